# frozen_string_literal: true

module Jobs
  # Asks Steward about a post that waits in the queue unjudged, until there is an answer or a moderator was quicker.
  class StewardCheckQueued < ::Jobs::Base
    def execute(args)
      reviewable = ReviewableQueuedPost.find_by(id: args[:reviewable_id])
      return unless DiscourseSteward::Service.ready? && reviewable&.pending?
      return unless DiscourseSteward::Record.waiting?(reviewable)

      body = DiscourseSteward::Submission.of_queued(reviewable)
      return unless DiscourseSteward::Follow.check(reviewable, body).again?

      tries = args[:tries].to_i
      pause_s = DiscourseSteward::Service.pause_s(tries)
      Jobs.enqueue_in(pause_s, :steward_check_queued, reviewable_id: reviewable.id, tries: tries + 1)
    end
  end
end
