# frozen_string_literal: true

require_relative "steward_helper"

describe DiscourseSteward::Submission do
  it "sends author, topic and the post that is answered, and no address of anybody" do
    steward.says("approved")
    first = write("What do you think?").post
    write("I agree with you.", reply_to_post_number: 1, ip_address: "192.0.2.1")
    body = steward.submitted.last
    expect(body[:author]).to eq(id: "user-#{ann.id}", name: "ann", created_at: "2026-01-02T00:00:00Z")
    expect(body[:article]).to eq(title: topic.title, section: "news", id: "topic-#{topic.id}", url: topic.url)
    expect(body[:parent]).to eq(id: DiscourseSteward::Record.of(first)["id"], text: "What do you think?")
    expect(body.keys).not_to include(:sender, :callback_url)
  end

  it "sends e-mail and IP address only if the site says so" do
    SiteSetting.steward_send_sender = true
    write(ip_address: "192.0.2.1")
    expect(steward.submitted.last[:sender]).to eq(email: "ann@example.com", ip: "192.0.2.1")
  end

  it "judges the title of a new topic with its first post" do
    category = Category.create!(slug: "talk")
    write("And so on.", topic_id: nil, title: "You are all fools", category: category.id)
    article = { title: "You are all fools", section: "talk" }
    expect(steward.submitted.last).to include(text: "You are all fools\n\nAnd so on.", article: article)
  end

  it "names the address for webhooks if there is a secret" do
    SiteSetting.steward_webhook_secret = "whsec_YWJj"
    write
    expect(steward.submitted.last[:callback_url]).to eq("https://forum.example/steward/webhook")
  end
end

describe DiscourseSteward::Text do
  it "leaves out what others said, also in nested quotes" do
    raw = "[quote=\"bob, post:1, topic:2\"]\nYou fool\n[quote]deeper[/quote]\n[/quote]\nI do not think so."
    expect(described_class.of(raw)).to eq("I do not think so.")
  end

  it "judges a post that is all quotes with them" do
    expect(described_class.of("[quote]You fool[/quote]")).to include("You fool")
  end

  ["[quote]", "[quote=", "[quote=\"bob, ", "[quote=a]", "[/quote]"].each do |open|
    it "reads many of #{open} in a moment" do
      raw = open * (32_000 / open.length)
      started = Process.clock_gettime(Process::CLOCK_MONOTONIC)
      described_class.of(raw)
      expect(Process.clock_gettime(Process::CLOCK_MONOTONIC) - started).to be < 2
    end
  end

  it "cuts between characters" do
    cut = described_class.cut("ä" * 20_480)
    expect(cut).to be_valid_encoding
    expect(cut.bytesize).to eq(20_480)
    expect(described_class.cut("a#{"ä" * 20_480}").bytesize).to eq(20_479)
  end
end
