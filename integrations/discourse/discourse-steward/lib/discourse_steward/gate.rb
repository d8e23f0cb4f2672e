# frozen_string_literal: true

module DiscourseSteward
  # Asks Steward before a post is published. What it does not approve, or does not answer, waits in the review queue.
  module Gate
    # For NewPostManager: a result, or nil to let Discourse go on.
    def self.call(manager)
      args = manager.args
      return unless Service.ready? && checked?(manager.user) && !message?(args) && valid?(manager)

      kept = Record.fresh
      ask(kept, manager)
      own = NewPostManager.post_needs_approval?(manager) != :skip
      kept["held"] = true if own
      args[:steward] = kept # complete: Discourse may copy it
      # Discourse publishes the post, or puts it into the queue itself, for its own reason.
      return if own || (kept["status"] == "approved" && !kept["held"])

      hold(manager, kept)
    end

    # A post came into the queue: if Steward has not judged it, ask again later.
    def self.queued(reviewable)
      return unless reviewable.is_a?(ReviewableQueuedPost) && Record.waiting?(reviewable)

      Jobs.enqueue_in(Service.pause_s(0), :steward_check_queued, reviewable_id: reviewable.id, tries: 1)
    end

    # A published post has another text now. It stays visible until the answer is there.
    def self.edited(post)
      return unless Service.ready? && checked?(post.user) && !post.topic&.private_message?

      Jobs.enqueue(:steward_check_post, post_id: post.id)
    end

    def self.checked?(user)
      user&.human? && !NewPostManager.exempt_user?(user) &&
        user.trust_level < SiteSetting.steward_skip_trust_level
    end
    private_class_method :checked?

    # Private messages are not sent.
    def self.message?(args)
      args[:archetype] == Archetype.private_message ||
        (args[:topic_id] && Topic.where(id: args[:topic_id], archetype: Archetype.private_message).exists?)
    end
    private_class_method :message?

    # What Discourse will refuse is not sent; Discourse says why.
    def self.valid?(manager)
      post = Post.new(raw: manager.args[:raw])
      post.user = manager.user
      PostValidator.new.validate(post)
      post.errors[:raw].blank?
    end
    private_class_method :valid?

    def self.ask(kept, manager)
      kept["held"] = true if Text.too_long?(Text.of(manager.args[:raw], manager.args[:title]))
      answer = Service.submit_now(Submission.of_new(kept["id"], manager.user, manager.args))
      if answer.ok?
        kept.merge!(Record.answered(answer.body))
      elsif !answer.again?
        kept.merge!(Record.refused(answer))
      end
    end
    private_class_method :ask

    def self.hold(manager, kept)
      result = manager.enqueue(Decisions.reason(kept))
      if !result.success?
        Jobs.enqueue(:steward_erase, id: kept["id"]) # Discourse refused the post, so nobody should have to judge it
      elsif kept["status"] == "rejected"
        Decisions.apply(result.reviewable)
      end
      result
    end
    private_class_method :hold
  end
end
