# frozen_string_literal: true

require_relative "steward_helper"

describe DiscourseSteward::Decisions do
  def published
    steward.says("approved")
    write.post
  end

  def held
    steward.says("pending")
    write
    queued.first
  end

  it "publishes or rejects a post in the queue as a moderator of Steward's decided" do
    hear(held, "approved")
    expect(Post.rows.size).to eq(1)
    steward.says("pending")
    write
    hear(queued.last, "rejected")
    expect(queued.map(&:status)).to eq(%i[approved rejected])
  end

  it "ignores an event that is not newer, or about a comment that it does not know" do
    reviewable = held
    hear(reviewable, "approved", version: 1)
    Jobs.perform(:steward_follow, id: "discourse-unknown", body: { "status" => "approved", "version" => 9 })
    Jobs.perform(:steward_follow, id: DiscourseSteward::Record.of(reviewable)["id"], body: { "status" => 1 })
    expect(reviewable).to be_pending
  end

  it "hides a published post that a moderator of Steward's rejects, and shows it again if that is taken back" do
    post = published
    hear(post, "rejected")
    expect(post).to be_hidden
    hear(post, "approved", version: 3)
    expect(post).not_to be_hidden
  end

  it "changes nothing that a moderator here decided, unless a moderator of Steward's did" do
    held.perform(moderator, :approve_post)
    post = Post.rows.first
    hear(post, "rejected", by: "expiry")
    expect(post).not_to be_hidden
    hear(post, "rejected", version: 3)
    expect(post).to be_hidden
  end

  it "hides an edited post that Steward rejects, and flags one that is doubtful" do
    rejected = published
    steward.says("rejected", version: 2)
    allow(PostActionCreator).to receive(:new).and_call_original
    edit(rejected, "An insult now.")
    expect(PostActionCreator).to have_received(:new).with(any_args, hash_including(queue_for_review: true))
    doubtful = published
    steward.says("pending", version: 2)
    edit(doubtful, "Doubtful now.")
    expect([rejected.hidden?, doubtful.hidden?]).to eq([true, false])
    expect(flagged.map(&:target)).to eq([rejected, doubtful])
    expect(steward.submitted.last).to include(id: DiscourseSteward::Record.of(doubtful)["id"], text: "Doubtful now.")
  end

  it "flags an edited post while Steward is away, and takes the flag back once Steward approves it" do
    post = published
    steward.is_away
    edit(post, "Edited while Steward was away.")
    expect(post).not_to be_hidden
    expect(flagged.map(&:status)).to eq([:pending])
    steward.says("approved", version: 2)
    Jobs.run
    expect(flagged.map(&:status)).to eq([:rejected])
    expect(Jobs.queue).to be_empty
  end

  it "leaves flags of members to the moderators" do
    post = published
    PostActionCreator.new(User.create!(username: "bob"), post, PostActionType.types[:spam]).perform
    hear(post, "approved", by: "model")
    expect(flagged.first).to be_pending
  end

  it "flags a post again that was edited after a moderator decided" do
    post = published
    steward.says("rejected", version: 2)
    edit(post, "An insult now.")
    flagged.first.perform(moderator, :disagree_and_restore)
    steward.says("rejected", version: 3)
    edit(post, "Another insult.")
    expect(post).to be_hidden
    expect(flagged.first).to be_pending
    expect(PostAction.rows.size).to eq(1)
  end
end

describe DiscourseSteward::Feedback do
  def held
    steward.says("pending")
    write("A doubtful text.")
    queued.last
  end

  def taught
    steward.answer = DiscourseSteward::Answer.new(200)
    Jobs.run
    steward.asked.select { |call,| call == :teach }.map { |_, *given| given }
  end

  it "teaches what moderators decide in the queue" do
    one = held
    two = held
    one.perform(moderator, :approve_post)
    two.perform(moderator, :reject_post)
    ids = [one, two].map { |each| DiscourseSteward::Record.of(each)["id"] }
    expect(taught).to eq([["A doubtful text.", "approve", ids[0]], ["A doubtful text.", "reject", ids[1]]])
  end

  it "teaches what moderators think of flags for insults and spam, and of no others" do
    steward.says("approved")
    decisions = { inappropriate: :agree_and_hide, spam: :agree_and_keep, off_topic: :agree_and_keep }
    decisions.each do |kind, action|
      post = write.post
      PostActionCreator.new(User.create!(username: kind.to_s), post, PostActionType.types[kind]).perform
      flagged.last.perform(moderator, action)
    end
    post = write.post
    PostActionCreator.new(ann, post, PostActionType.types[:inappropriate]).perform
    flagged.last.perform(moderator, :disagree)
    expect(taught.map { |_, decision| decision }).to eq(%w[reject spam approve])
  end

  it "teaches nothing that Steward or a bot decided, or that the author withdrew" do
    hear(held, "approved")
    held.perform(Discourse.system_user, :reject_post)
    held.perform(moderator, :delete)
    expect(taught).to be_empty
  end

  it "teaches nothing if the site says so" do
    SiteSetting.steward_feedback = false
    held.perform(moderator, :approve_post)
    expect(taught).to be_empty
  end

  it "sends a decision again while Steward is away" do
    held.perform(moderator, :approve_post)
    steward.is_away
    Jobs.run
    expect(Jobs.queue.map { |job| job[:at_s] }).to eq([60])
    expect(taught.size).to eq(2)
  end
end

describe Jobs::StewardSweep do
  it "finds a post whose job was lost" do
    steward.is_away
    write
    Jobs.queue.clear
    steward.says("approved")
    Jobs.perform(:steward_sweep)
    expect(queued.first.status).to eq(:approved)
  end

  it "asks about the posts that wait only if there are no webhooks" do
    steward.says("pending")
    write
    steward.says("approved", version: 2, decided_by: "moderator")
    SiteSetting.steward_webhook_secret = "whsec_YWJj"
    Jobs.perform(:steward_sweep)
    expect(queued.first).to be_pending
    SiteSetting.steward_webhook_secret = ""
    Jobs.perform(:steward_sweep)
    expect(queued.first.status).to eq(:approved)
  end
end
