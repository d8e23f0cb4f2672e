# frozen_string_literal: true

require_relative "steward_helper"

describe DiscourseSteward::Gate do
  it "lets a post through that Steward approves, and remembers the answer" do
    steward.says("approved", scores: { toxicity: 0.01 })
    post = write.post
    expect(queued).to be_empty
    expect(DiscourseSteward::Record.of(post)).to include("status" => "approved", "version" => 1)
    expect(DiscourseSteward::Record.find(steward.submitted.last[:id])).to be(post)
  end

  it "holds a doubtful post in the review queue, with the highest scores" do
    steward.says("pending", scores: { toxicity: 0.61, insult: 0.58, threat: 0.02, profanity: 0.1, "<b>" => 1 })
    expect(write.action).to eq(:enqueued)
    expect(Post.rows).to be_empty
    expect(queued.first.reviewable_scores.first.reason).to eq("Steward is in doubt (toxicity 61%, insult 58%, profanity 10%)")
  end

  it "says the reason in the language of the site" do
    SiteSetting.default_locale = "de"
    steward.says("pending")
    write
    expect(queued.first.reviewable_scores.first.reason).to eq("Steward ist im Zweifel")
  end

  it "leaves a rejected post to the moderators, or rejects it if the site says so" do
    steward.says("rejected")
    write
    SiteSetting.steward_rejected = "reject"
    write
    expect(queued.map(&:status)).to eq(%i[pending rejected])
  end

  it "holds a post while Steward is away, and publishes it once Steward approves it" do
    steward.is_away
    expect(write.action).to eq(:enqueued)
    Jobs.run
    expect(Jobs.queue.map { |job| job.values_at(:name, :at_s) }).to eq([[:steward_check_queued, 120]])
    steward.says("approved")
    Jobs.run
    expect(queued.first.status).to eq(:approved)
    expect(DiscourseSteward::Record.of(Post.rows.first)["id"]).to eq(steward.submitted.first[:id])
  end

  it "does not let each author wait while Steward is away" do
    steward.is_away
    3.times { write }
    expect(steward.submitted.size).to eq(1)
    expect(queued.size).to eq(3)
  end

  it "never publishes by itself what Discourse's own rules hold" do
    SiteSetting.approve_all = true
    steward.is_away
    write
    steward.says("approved")
    Jobs.run
    expect(queued.first.status).to eq(:pending)
    expect(queued.first.reviewable_scores.first.reason).to eq("group")
  end

  it "does not ask again once a moderator was quicker" do
    steward.is_away
    write
    queued.first.perform(moderator, :reject_post)
    asked = steward.submitted.size
    Jobs.run
    expect(steward.submitted.size).to eq(asked)
  end

  it "keeps a post in the queue that Steward refuses to judge" do
    steward.answer = DiscourseSteward::Answer.new(422, { "detail" => "text must not be blank" })
    write
    Jobs.run
    expect(queued.first).to be_pending
    expect(Jobs.queue).to be_empty
    expect(queued.first.reviewable_scores.first.reason).to eq("Steward cannot judge this post")
  end

  it "takes another refusal, a redirect or an answer without a status for no answer" do
    [[401, {}], [302, {}], [500, {}], [200, {}]].each do |status, body|
      steward.answer = DiscourseSteward::Answer.new(status, body)
      Discourse.redis.kept.clear
      write
      Jobs.run
      expect(Jobs.queue.size).to eq(1), status.to_s
      Jobs.queue.clear
    end
  end

  it "never publishes a post by itself that is too long to be judged whole" do
    steward.says("approved")
    expect(write("a long word " * 2000).action).to eq(:enqueued)
    expect(steward.submitted.last[:text].bytesize).to be <= 20_480
  end

  it "asks about nothing that Discourse refuses, and erases what Discourse refuses later" do
    write("Hm")
    expect(steward.asked).to be_empty
    steward.says("pending")
    write(topic_id: nil, title: "refused")
    Jobs.run
    expect(steward.asked.last).to eq([:erase, steward.submitted.last[:id]])
  end

  it "asks about no private message, no staff, nobody who is trusted, and nothing while it is off" do
    write(archetype: Archetype.private_message)
    write(topic_id: Topic.create!(title: "To you", archetype: Archetype.private_message).id)
    write(user: moderator)
    write(user: User.create!(username: "old", trust_level: 4))
    SiteSetting.steward_enabled = false
    write
    SiteSetting.steward_enabled = true
    SiteSetting.steward_key = ""
    write
    expect(steward.asked).to be_empty
    expect(Post.rows.size).to eq(6)
  end
end
