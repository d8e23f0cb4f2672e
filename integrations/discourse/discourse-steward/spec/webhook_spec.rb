# frozen_string_literal: true

require_relative "steward_helper"

describe DiscourseSteward::WebhooksController do
  let(:secret) { "whsec_#{["a secret of the tests"].pack("m0")}" }
  let(:event) { { type: "decision.created", data: { comment_id: "discourse-1", status: "approved", version: 2 } } }

  before { SiteSetting.steward_webhook_secret = secret }

  def signed(body, key: "a secret of the tests", time: Time.now.to_i)
    digest = OpenSSL::HMAC.digest("SHA256", key, "evt_1.#{time}.#{body}")
    { "webhook-id" => "evt_1", "webhook-timestamp" => time.to_s, "webhook-signature" => "v1,AAAA v1,#{[digest].pack("m0")}" }
  end

  def receive_body(body, headers = signed(body))
    controller = described_class.new(headers, body)
    controller.receive
    controller.answered
  end

  it "accepts what Steward signed, also with a second signature" do
    expect(receive_body(event.to_json)).to eq(:no_content)
    expect(Jobs.queue.first[:args]).to eq("id" => "discourse-1", "body" => { "status" => "approved", "version" => 2 })
  end

  it "refuses what is unsigned, changed, old, from the future, or signed with another secret" do
    body = event.to_json
    old = Time.now.to_i - 301
    wrong = [{}, signed("#{body} "), signed(body, time: old), signed(body, time: old + 602), signed(body, key: "another")]
    expect(wrong.map { |headers| receive_body(body, headers) }.uniq).to eq([:unauthorized])
    expect(Jobs.queue).to be_empty
  end

  it "refuses everything without a secret, or with one that is none" do
    ["", "whsec_", "whsec_!"].each do |none|
      SiteSetting.steward_webhook_secret = none
      expect(receive_body(event.to_json, signed(event.to_json, key: ""))).to eq(:unauthorized)
    end
  end

  it "answers an event that it does not know, and does nothing" do
    bodies = [event.merge(type: "comment.withdrawn"), { type: "promise.broken", data: { site: "daily" } }, [], "text"]
    expect(bodies.map { |each| receive_body(each.to_json) }.uniq).to eq([:no_content])
    expect(receive_body("{")).to eq(:bad_request)
    expect(Jobs.queue).to be_empty
  end

  it "does not exist while the plugin is off" do
    SiteSetting.steward_enabled = false
    expect(receive_body(event.to_json)).to eq(:not_found)
  end
end
