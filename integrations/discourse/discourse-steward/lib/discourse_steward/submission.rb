# frozen_string_literal: true

module DiscourseSteward
  # Builds what is sent to `POST /v1/comments`.
  module Submission
    # A post that somebody is about to write; `args` are those of NewPostManager.
    def self.of_new(id, user, args)
      topic = args[:topic_id] && Topic.find_by(id: args[:topic_id])
      build(id, Text.of(args[:raw], topic ? nil : args[:title]), user) do |body|
        body[:article] = article(topic, args[:title], args[:category])
        body[:parent] = parent(topic, args[:reply_to_post_number])
        body[:sender] = { email: user.email, ip: args[:ip_address]&.to_s }.compact if SiteSetting.steward_send_sender
      end
    end

    def self.of_queued(reviewable)
      payload = reviewable.payload
      args = { raw: payload["raw"], title: payload["title"], topic_id: reviewable.topic_id }
      args.merge!(category: reviewable.category_id, reply_to_post_number: payload["reply_to_post_number"])
      of_new(Record.of(reviewable)["id"], reviewable.target_created_by, args)
    end

    def self.of_post(post)
      build(Record.of(post)["id"], text_of(post), post.user) do |body|
        body[:article] = article(post.topic, nil, nil)
        body[:parent] = parent(post.topic, post.reply_to_post_number)
        body[:created_at] = post.created_at.utc.iso8601
      end
    end

    # Text of a queued or a published post, as it is judged.
    def self.text_of(target)
      return Text.of(target.raw, target.is_first_post? ? target.topic&.title : nil) if target.is_a?(Post)

      Text.of(target.payload["raw"], target.topic_id ? nil : target.payload["title"])
    end

    def self.build(id, text, user)
      body = { id: id, text: Text.cut(text), author: author(user) }
      yield body
      body[:callback_url] = "#{Discourse.base_url}/steward/webhook" if SiteSetting.steward_webhook_secret.present?
      body.compact
    end
    private_class_method :build

    # A user can be gone while the post waits.
    def self.author(user)
      user && { id: "user-#{user.id}", name: user.username, created_at: user.created_at&.utc&.iso8601 }.compact
    end
    private_class_method :author

    def self.article(topic, title, category_id)
      category = topic ? topic.category : category_id && Category.find_by(id: category_id)
      found = { title: topic ? topic.title : title, section: category&.slug }
      found.merge!(id: "topic-#{topic.id}", url: topic.url) if topic
      found = found.compact
      found unless found.empty?
    end
    private_class_method :article

    def self.parent(topic, number)
      post = topic && number && Post.find_by(topic_id: topic.id, post_number: number)
      return unless post

      { id: Record.of(post)["id"], text: Text.cut(Text.of(post.raw)) }.compact
    end
    private_class_method :parent
  end
end
