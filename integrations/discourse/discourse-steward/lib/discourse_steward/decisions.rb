# frozen_string_literal: true

module DiscourseSteward
  # Does in Discourse what Steward decided: with a post in the queue, and with one that is published.
  module Decisions
    SHOWN = 3

    def self.apply(target)
      kept = Record.of(target)
      person = kept["decided_by"] == "moderator"
      return if kept["own"] && !person

      target.is_a?(ReviewableQueuedPost) ? queued(target, kept, person) : published(target, kept, person)
    end

    # For the review queue, in the site's language: what Steward said, with the highest scores.
    def self.reason(kept)
      status = kept["status"] || "unanswered"
      shown = scores(kept).max_by(SHOWN) { |_, score| score }.map { |name, score| "#{name} #{(score * 100).round}%" }
      I18n.with_locale(SiteSetting.default_locale) do
        said = I18n.t("discourse_steward.reasons.#{status}", default: :"discourse_steward.reasons.pending")
        shown.empty? ? said : "#{said} (#{shown.join(", ")})"
      end
    end

    # The review queue shows a reason as HTML.
    def self.scores(kept)
      found = kept["scores"].is_a?(Hash) ? kept["scores"] : {}
      found.select { |name, score| name.match?(/\A[a-z_]{1,40}\z/) && score.is_a?(Numeric) }
    end
    private_class_method :scores

    def self.queued(reviewable, kept, person)
      return unless reviewable.pending?

      if kept["status"] == "approved" && (person || !kept["held"])
        perform(reviewable, :approve_post, :approve_post_closed)
      elsif kept["status"] == "rejected" && (person || SiteSetting.steward_rejected == "reject")
        perform(reviewable, :reject_post)
      end
    end
    private_class_method :queued

    def self.published(post, kept, person)
      case kept["status"]
      when "approved"
        restore(post, person)
      when "rejected"
        person ? hide(post) : flag(post, kept, hides: true)
      else
        flag(post, kept, hides: false) unless post.hidden?
      end
    end
    private_class_method :published

    # Flags of members stay for the moderators here.
    def self.restore(post, person)
      flagged = pending_flag(post)
      if flagged
        ours = flagged.reviewable_scores.all? { |each| each.user_id == Discourse::SYSTEM_USER_ID }
        perform(flagged, :disagree, :disagree_and_restore) if ours
      elsif person && post.hidden?
        post.unhide!
      end
    end
    private_class_method :restore

    # A moderator of Steward's decided.
    def self.hide(post)
      flagged = pending_flag(post)
      perform(flagged, :agree_and_hide, :agree_and_keep_hidden) if flagged
      post.hide!(PostActionType.types[:inappropriate]) unless post.hidden?
    end
    private_class_method :hide

    def self.flag(post, kept, hides:)
      forget_old_flag(post) unless pending_flag(post)
      PostActionCreator.new(
        Discourse.system_user,
        post,
        PostActionType.types[:inappropriate],
        reason: reason(kept),
        queue_for_review: hides,
      ).perform
      # Discourse takes no second flag of the same kind.
      post.hide!(PostActionType.types[:inappropriate]) if hides && !post.hidden?
    end
    private_class_method :flag

    # Somebody decided about our last flag of this post, which was about another text.
    def self.forget_old_flag(post)
      PostAction
        .where(post_id: post.id, user_id: Discourse::SYSTEM_USER_ID, post_action_type_id: PostActionType.types[:inappropriate])
        .where("agreed_at IS NOT NULL OR disagreed_at IS NOT NULL OR deferred_at IS NOT NULL")
        .delete_all
    end
    private_class_method :forget_old_flag

    def self.pending_flag(post)
      found = ReviewableFlaggedPost.find_by(target: post)
      found if found&.pending?
    end
    private_class_method :pending_flag

    # The first of these actions that the reviewable allows now.
    def self.perform(reviewable, *names)
      actions = reviewable.actions_for(Guardian.new(Discourse.system_user))
      name = names.find { |each| actions.has?(each) }
      result = name && reviewable.perform(Discourse.system_user, name)
      return if result&.success?

      Rails.logger.warn("Steward: could not #{names.first} the reviewable #{reviewable.id}")
    end
    private_class_method :perform
  end
end
