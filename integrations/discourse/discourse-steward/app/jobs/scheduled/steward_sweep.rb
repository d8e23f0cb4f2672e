# frozen_string_literal: true

module Jobs
  # Finds what a lost job left behind. Without webhooks, it also asks what became of the posts that wait.
  class StewardSweep < ::Jobs::Scheduled
    every 15.minutes
    AT_ONCE = 100

    def execute(_args)
      return unless DiscourseSteward::Service.ready?

      waiting = ReviewableQueuedPost.pending.where("payload->'steward' IS NOT NULL").order("RANDOM()").limit(AT_ONCE)
      waiting.each { |reviewable| break unless settle(reviewable) }
    end

    private

    # Returns whether Steward is there.
    def settle(reviewable)
      if DiscourseSteward::Record.waiting?(reviewable)
        return !DiscourseSteward::Follow.check(reviewable, DiscourseSteward::Submission.of_queued(reviewable)).again?
      end
      return true if SiteSetting.steward_webhook_secret.present?

      id = DiscourseSteward::Record.of(reviewable)["id"]
      answer = DiscourseSteward::Service.client.comment(id)
      DiscourseSteward::Follow.take(id, answer.body) if answer.ok?
      answer.status.positive?
    end
  end
end
