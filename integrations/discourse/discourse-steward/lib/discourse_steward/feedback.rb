# frozen_string_literal: true

module DiscourseSteward
  # Sends decisions of Discourse's moderators to Steward as labels.
  module Feedback
    TAUGHT = %i[inappropriate spam].freeze

    # A reviewable has another status, which says what a moderator thinks of the post.
    def self.note(status, reviewable)
      return unless person?(reviewable)

      target = target_of(reviewable)
      return unless target && Record.of(target).key?("id")

      Record.merge(target, "own" => true)
      decision = decision(status.to_sym, reviewable)
      return unless decision && SiteSetting.steward_feedback && Service.ready?

      Jobs.enqueue(:steward_teach, reviewable_id: reviewable.id, decision: decision, tries: 0)
    end

    # The post that a decision is about; nil for other kinds of reviewables.
    def self.target_of(reviewable)
      case reviewable
      when ReviewableQueuedPost
        reviewable
      when ReviewableFlaggedPost
        reviewable.post
      end
    end

    # The system, which does what Steward decides, a bot and a plugin teach nothing.
    def self.person?(reviewable)
      reviewable.history.last&.created_by&.human?
    end
    private_class_method :person?

    def self.decision(status, reviewable)
      return { approved: "approve", rejected: "reject" }[status] if reviewable.is_a?(ReviewableQueuedPost)

      types = reviewable.reviewable_scores.map(&:reviewable_score_type)
      about = TAUGHT.select { |name| types.include?(ReviewableScore.types[name]) }
      return if about.empty? # off topic, for example

      { approved: about == [:spam] ? "spam" : "reject", rejected: "approve" }[status]
    end
    private_class_method :decision
  end
end
