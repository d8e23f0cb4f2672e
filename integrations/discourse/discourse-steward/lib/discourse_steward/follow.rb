# frozen_string_literal: true

module DiscourseSteward
  # Takes what Steward said later about a comment.
  module Follow
    # An event may arrive twice, and after newer ones: only a higher version counts.
    def self.take(id, body)
      Service.alone(id) do
        target = Record.find(id)
        next unless target && body["status"].is_a?(String) && body["version"].is_a?(Integer)
        next if body["version"] <= Record.of(target)["version"].to_i

        Record.merge(target, Record.answered(body))
        Decisions.apply(target)
      end
    end

    # Send a post that Steward has not judged yet, as it reads now. Returns the answer.
    def self.check(target, body)
      answer = Service.submit(body)
      return answer if answer.again?

      Service.alone(body[:id]) do
        Record.merge(target, answer.ok? ? Record.answered(answer.body) : Record.refused(answer))
        Decisions.apply(target)
      end
      answer
    end
  end
end
