# frozen_string_literal: true

# How posts come into being and are flagged in Discourse.
class PostValidator
  def validate(post)
    post.errors[:raw] << "is too short" if post.raw.to_s.strip.length < 5
  end
end

class NewPostResult
  attr_accessor :action, :post, :reviewable, :errors

  def initialize(action)
    @action = action
    @errors = []
  end

  def success?
    errors.empty?
  end
end

class NewPostManager
  attr_reader :user, :args

  class << self
    def handlers
      @handlers ||= []
    end

    def plugin_payload_attributes
      @plugin_payload_attributes ||= []
    end

    def add_plugin_payload_attribute(name)
      plugin_payload_attributes << name
    end

    def add_handler(_priority = 0, &block)
      handlers << block
    end

    def exempt_user?(user)
      user.staff?
    end

    def post_needs_approval?(_manager)
      SiteSetting.approve_all ? :group : :skip
    end
  end

  def initialize(user, args)
    @user = user
    @args = args.with_indifferent_access # as the parameters of a request: what is put in is copied
  end

  def perform
    self.class.handlers.each do |handler|
      result = handler.call(self)
      return result if result
    end
    reason = self.class.post_needs_approval?(self)
    reason == :skip ? perform_create_post : enqueue(reason)
  end

  def enqueue(reason = nil)
    result = NewPostResult.new(:enqueued)
    payload = { raw: args[:raw], title: args[:title], reply_to_post_number: args[:reply_to_post_number] }.compact
    self.class.plugin_payload_attributes.each { |name| payload[name] = args[name] if args[name].present? }
    reviewable = ReviewableQueuedPost.new(created_by: Discourse.system_user, payload: payload, target_created_by: user)
    reviewable.topic_id = args[:topic_id]
    reviewable.category_id = args[:category]
    if args[:title].to_s == "refused"
      result.errors << "Title seems unclear"
    else
      reviewable.save!
      reviewable.add_score(Discourse.system_user, ReviewableScore.types[:needs_approval], reason: reason)
    end
    result.reviewable = reviewable
    result
  end

  def perform_create_post
    result = NewPostResult.new(:create_post)
    creator = PostCreator.new(user, args)
    PostValidator.new.validate(result.post = Post.new(raw: args[:raw]))
    result.errors = result.post.errors[:raw]
    result.post = creator.create if result.success?
    result
  end
end

class PostCreator
  def initialize(user, opts)
    @user = user
    @opts = opts
  end

  def create
    topic = Topic.find_by(id: @opts[:topic_id]) || Topic.create!(title: @opts[:title], category: Category.find_by(id: @opts[:category]))
    number = Post.where(topic_id: topic.id).count + 1
    more = { reply_to_post_number: @opts[:reply_to_post_number], created_at: Time.now }
    @post = Post.create!(raw: @opts[:raw], user: @user, topic: topic, post_number: number, **more)
    trigger_after_events unless @opts[:skip_events]
    @post
  end

  def trigger_after_events
    DiscourseEvent.trigger(:post_created, @post, @opts, @user)
  end
end

class PostAction < Table
  attr_accessor :post_id, :user_id, :post_action_type_id, :agreed_at, :disagreed_at, :deferred_at

  def active?
    [agreed_at, disagreed_at, deferred_at].none?
  end
end

class PostActionType
  def self.types
    ReviewableScore.types
  end
end

class PostActionCreator
  Result = Struct.new(:success)

  def initialize(user, post, type, reason: nil, queue_for_review: false)
    @user = user
    @post = post
    @type = type
    @reason = reason
    @queue_for_review = queue_for_review
  end

  # One flag of a kind for each user, and only staff hide with it.
  def perform
    flag = { post_id: @post.id, user_id: @user.id, post_action_type_id: @type }
    return Result.new(false) if PostAction.find_by(**flag) || (@queue_for_review && !@user.staff?)

    PostAction.create!(**flag)
    reviewable = ReviewableFlaggedPost.find_by(target: @post)
    reviewable ? reviewable.status = :pending : reviewable = ReviewableFlaggedPost.create!(target: @post, created_by: @user)
    reviewable.add_score(@user, @type, reason: @reason)
    @post.hide!(@type) if @queue_for_review
    Result.new(true)
  end
end
