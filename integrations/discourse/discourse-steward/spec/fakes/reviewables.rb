# frozen_string_literal: true

# Discourse's queue for review: what is in it, what can be done with it, and who did it.
class ReviewableScore < Table
  attr_accessor :reviewable_score_type, :user_id, :reason

  def self.types
    { off_topic: 3, inappropriate: 4, spam: 8, needs_approval: 9 }
  end
end

class Reviewable < Table
  History = Struct.new(:created_by)
  Result = Struct.new(:success?, :transition_to, :after_commit)
  attr_accessor :status, :target, :topic_id, :category_id, :created_by, :target_created_by
  attr_writer :payload

  def self.pending
    Found.new(all.select(&:pending?))
  end

  def self.find_by(**wanted)
    where(**wanted).first
  end

  # JSON, as in the database.
  def payload
    @payload ||= {}
  end

  def save!
    is_new = !self.class.rows.include?(self)
    @payload = JSON.parse(JSON.generate(payload))
    self.status ||= :pending
    super
    DiscourseEvent.trigger(:reviewable_created, self) if is_new
    true
  end
  alias save save!

  def pending?
    status == :pending
  end

  def reviewable_scores
    @reviewable_scores ||= []
  end

  def add_score(user, type, reason: nil, force_review: false) # rubocop:disable Lint/UnusedMethodArgument -- Discourse's
    reviewable_scores << ReviewableScore.new(user_id: user.id, reviewable_score_type: type, reason: reason.to_s)
  end

  def history
    @history ||= []
  end

  def actions_for(_guardian)
    actions = self.actions
    actions.define_singleton_method(:has?) { |name| actions.include?(name) }
    actions
  end

  def perform(performed_by, action, _args = nil)
    raise ArgumentError, "Can't perform `#{action}` on #{self.class}" unless actions.include?(action)

    result = public_send("perform_#{action}", performed_by)
    self.status = result.transition_to
    save!
    history << History.new(performed_by)
    DiscourseEvent.trigger(:reviewable_transitioned_to, status, self)
    result.after_commit&.call
    result
  end
end

class ReviewableQueuedPost < Reviewable
  def actions
    (status == :approved ? [] : [:approve_post]) + (pending? ? %i[reject_post delete] : [])
  end

  def create_options
    payload.symbolize_keys.merge({ topic_id: topic_id, category: category_id }.compact)
  end

  def perform_approve_post(_performed_by)
    creator = PostCreator.new(target_created_by, create_options.merge(skip_events: true))
    self.target = creator.create
    Result.new(true, :approved, -> { creator.trigger_after_events })
  end

  def perform_reject_post(_performed_by)
    Result.new(true, :rejected)
  end

  def perform_delete(_performed_by)
    Result.new(true, :deleted)
  end
end

class ReviewableFlaggedPost < Reviewable
  def post
    target
  end

  def actions
    return [] unless pending?

    post.hidden? ? %i[agree_and_keep_hidden disagree_and_restore] : %i[agree_and_hide agree_and_keep disagree]
  end

  def perform_agree_and_keep(_performed_by)
    flags.each { |flag| flag.agreed_at = Time.now }
    Result.new(true, :approved)
  end
  alias perform_agree_and_keep_hidden perform_agree_and_keep

  def perform_agree_and_hide(performed_by)
    post.hide!(4) if flags.any? # as in Discourse: nothing is hidden without a flag
    perform_agree_and_keep(performed_by)
  end

  def perform_disagree(_performed_by)
    flags.each { |flag| flag.disagreed_at = Time.now }
    post.unhide! if post.hidden?
    Result.new(true, :rejected)
  end
  alias perform_disagree_and_restore perform_disagree

  private

  def flags
    PostAction.where(post_id: target.id).select(&:active?)
  end
end

class Guardian
  def initialize(_user); end
end
