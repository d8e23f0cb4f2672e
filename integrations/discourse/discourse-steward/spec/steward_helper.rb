# frozen_string_literal: true

# The plugin inside the stand-ins of spec/fakes, with a Steward that answers as a spec says.
require_relative "fakes/discourse"

Fakes.load_plugin
Discourse.base_url = "https://forum.example"

# In Steward's place: what it was asked, and what it answers next.
class ScriptedSteward
  attr_reader :asked
  attr_accessor :answer

  def initialize
    @asked = []
    @answer = DiscourseSteward::Answer.new(0)
  end

  %i[submit comment erase teach].each do |call|
    define_method(call) do |*given|
      asked << [call, *given]
      answer
    end
  end

  def says(status, **more)
    body = { "status" => status, "version" => 1, "decided_by" => "model" }.merge(more.transform_keys(&:to_s))
    @answer = DiscourseSteward::Answer.new(200, body)
  end

  def is_away
    @answer = DiscourseSteward::Answer.new(0, {}, "refused")
  end

  def submitted
    asked.select { |call,| call == :submit }.map(&:last)
  end
end

module Forum
  def steward
    @steward ||= ScriptedSteward.new
  end

  def ann
    @ann ||= User.create!(username: "ann", email: "ann@example.com", trust_level: 1, created_at: Time.utc(2026, 1, 2))
  end

  def moderator
    @moderator ||= User.create!(username: "mo", moderator: true, trust_level: 4)
  end

  def topic
    @topic ||= Topic.create!(title: "Repairs of substations", category: Category.create!(slug: "news"))
  end

  def write(raw = "Thank you all.", user: ann, **args)
    NewPostManager.new(user, { raw: raw, topic_id: topic.id, **args }).perform
  end

  def queued
    ReviewableQueuedPost.rows
  end

  def flagged
    ReviewableFlaggedPost.rows
  end

  def edit(post, raw)
    post.raw = raw
    DiscourseEvent.trigger(:post_edited, post, false, nil)
    Jobs.run
  end

  # A webhook that was accepted, and the job after it.
  def hear(target, status, version: 2, by: "moderator")
    id = DiscourseSteward::Record.of(target)["id"]
    body = { "status" => status, "version" => version, "decided_by" => by }
    Jobs.perform(:steward_follow, id: id, body: body)
  end
end

RSpec.configure do |config|
  config.include(Forum)
  config.before do
    Fakes.reset
    SiteSetting.steward_enabled = true
    SiteSetting.steward_url = "https://steward.example"
    SiteSetting.steward_key = "cmk_live_x"
    allow(DiscourseSteward::Service).to receive(:client).and_return(steward)
  end
end
