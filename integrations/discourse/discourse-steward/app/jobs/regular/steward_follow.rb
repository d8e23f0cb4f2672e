# frozen_string_literal: true

module Jobs
  # Does what a webhook said.
  class StewardFollow < ::Jobs::Base
    def execute(args)
      DiscourseSteward::Follow.take(args[:id], args[:body].to_h.transform_keys(&:to_s))
    end
  end
end
