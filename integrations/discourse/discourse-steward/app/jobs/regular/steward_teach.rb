# frozen_string_literal: true

module Jobs
  # Sends a moderator's decision. A repeated one changes nothing, because the token names the comment.
  class StewardTeach < ::Jobs::Base
    # About two days.
    TRIES = 50

    def execute(args)
      reviewable = Reviewable.find_by(id: args[:reviewable_id])
      target = reviewable && DiscourseSteward::Feedback.target_of(reviewable)
      return unless DiscourseSteward::Service.ready? && target

      text = DiscourseSteward::Text.cut(DiscourseSteward::Submission.text_of(target))
      token = DiscourseSteward::Record.of(target)["id"]
      answer = DiscourseSteward::Service.client.teach(text, args[:decision], token)
      try_again(args, args[:tries].to_i) if answer.again?
    end

    private

    def try_again(args, tries)
      return if tries >= TRIES

      pause_s = DiscourseSteward::Service.pause_s(tries)
      more = { reviewable_id: args[:reviewable_id], decision: args[:decision], tries: tries + 1 }
      Jobs.enqueue_in(pause_s, :steward_teach, more)
    end
  end
end
