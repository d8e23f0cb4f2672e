# frozen_string_literal: true

# A forum made of the plugin's stand-ins for Discourse, served over HTTP, so that the plugin's own code meets the
# running service: new posts, jobs, decisions of moderators, and the webhook. Settings come as JSON in the environment.

require "webrick"
require "#{__dir__}/../../integrations/discourse/discourse-steward/spec/fakes/discourse"

Fakes.load_plugin
Fakes.reset
port = Integer(ARGV.fetch(0))
Discourse.base_url = "http://127.0.0.1:#{port}"
JSON.parse(ENV.fetch("FORUM_SETTINGS")).each { |name, value| SiteSetting.public_send("#{name}=", value) }
ANN = User.create!(username: "ann", email: "ann@example.com", trust_level: 1, created_at: Time.now)
MODERATOR = User.create!(username: "mo", moderator: true, trust_level: 4)
TOPIC = Topic.create!(title: "Repairs of substations", category: Category.create!(slug: "news"))

def post_of(post)
  { id: post.id, raw: post.raw, hidden: post.hidden?, steward: DiscourseSteward::Record.of(post) }
end

def reviewable_of(reviewable)
  reasons = reviewable.reviewable_scores.map(&:reason)
  { id: reviewable.id, status: reviewable.status, reasons: reasons, steward: reviewable.payload["steward"] }
end

def state
  {
    posts: Post.rows.map { |post| post_of(post) },
    queued: ReviewableQueuedPost.rows.map { |each| reviewable_of(each) },
    flagged: ReviewableFlaggedPost.rows.map { |each| reviewable_of(each) },
  }
end

ACTIONS = {
  "/write" => ->(given) { NewPostManager.new(ANN, { raw: given["raw"], topic_id: TOPIC.id }).perform },
  "/edit" => lambda do |given|
    post = Post.find_by(id: given["id"])
    post.raw = given["raw"]
    DiscourseEvent.trigger(:post_edited, post, false, nil)
  end,
  "/review" => ->(given) { Reviewable.find_by(id: given["id"]).perform(MODERATOR, given["action"].to_sym) },
  "/jobs" => ->(_given) { Jobs.run },
  "/sweep" => ->(_given) { Jobs.perform(:steward_sweep) },
  "/set" => ->(given) { given.each { |name, value| SiteSetting.public_send("#{name}=", value) } },
  "/later" => ->(_given) { Discourse.redis.kept.clear }, # what Redis keeps for seconds has expired
  "/state" => ->(_given) {},
}.freeze
STATUSES = { no_content: 204, unauthorized: 401, bad_request: 400, not_found: 404 }.freeze

# WEBrick's header answers by name in lower case, as the plugin asks.
def webhook(request)
  headers = request.header.transform_values(&:first)
  controller = DiscourseSteward::WebhooksController.new(headers, request.body.to_s)
  controller.receive
  STATUSES.fetch(controller.answered)
end

lock = Mutex.new
server = WEBrick::HTTPServer.new(BindAddress: "127.0.0.1", Port: port, AccessLog: [], Logger: WEBrick::Log.new(IO::NULL))
server.mount_proc("/") do |request, response|
  lock.synchronize do
    if request.path == "/steward/webhook"
      response.status = webhook(request)
    else
      ACTIONS.fetch(request.path).call(JSON.parse(request.body || "{}"))
      response.body = JSON.generate(state)
    end
  end
end
trap("TERM") { server.shutdown }
server.start
