# frozen_string_literal: true

module Jobs
  # Erases a comment of a post that Discourse refused. Sidekiq runs it again while Steward is away.
  class StewardErase < ::Jobs::Base
    def execute(args)
      answer = DiscourseSteward::Service.client.erase(args[:id])
      raise "Steward: #{answer.problem}" if answer.again? && answer.status != 404
    end
  end
end
