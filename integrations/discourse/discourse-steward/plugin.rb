# frozen_string_literal: true

# name: discourse-steward
# about: Checks posts with your own Steward: publishes, holds or hides them, and learns from your moderators.
# version: 0.1.0
# authors: Comment Steward
# license: GPL-2.0-or-later

enabled_site_setting :steward_enabled

module ::DiscourseSteward
  PLUGIN_NAME = "discourse-steward"
  VERSION = "0.1.0"
end

%w[signature text client record service submission gate decisions feedback follow].each do |name|
  require_relative "lib/discourse_steward/#{name}"
end

after_initialize do
  require_relative "app/controllers/discourse_steward/webhooks_controller"
  require_relative "app/jobs/regular/steward_check_queued"
  require_relative "app/jobs/regular/steward_check_post"
  require_relative "app/jobs/regular/steward_teach"
  require_relative "app/jobs/regular/steward_follow"
  require_relative "app/jobs/regular/steward_erase"
  require_relative "app/jobs/scheduled/steward_sweep"

  register_post_custom_field_type(DiscourseSteward::Record::FIELD, :json)

  # What Steward said travels with a queued post, and to the post that is made of it.
  NewPostManager.add_plugin_payload_attribute(:steward)
  NewPostManager.add_handler { |manager| DiscourseSteward::Gate.call(manager) }

  on(:reviewable_created) { |reviewable| DiscourseSteward::Gate.queued(reviewable) }

  on(:post_created) do |post, opts|
    DiscourseSteward::Record.published(post, opts[:steward]) if opts && opts[:steward]
  end

  on(:post_edited) do |post, _topic_changed, revisor|
    DiscourseSteward::Gate.edited(post) if revisor.nil? || revisor.reviewable_content_changed?
  end

  on(:reviewable_transitioned_to) do |status, reviewable|
    DiscourseSteward::Feedback.note(status, reviewable)
  end

  Discourse::Application.routes.append do
    post "/steward/webhook" => "discourse_steward/webhooks#receive"
  end
end
