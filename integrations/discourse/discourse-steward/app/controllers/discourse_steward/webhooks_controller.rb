# frozen_string_literal: true

module ::DiscourseSteward
  # Receives Steward's webhooks. Like Discourse's own, it has neither session nor token against forgery.
  class WebhooksController < ActionController::Base
    skip_before_action :verify_authenticity_token, raise: false

    def receive
      return head(:not_found) unless SiteSetting.steward_enabled

      body = request.raw_post
      return head(:unauthorized) unless Signature.valid?(SiteSetting.steward_webhook_secret, request.headers, body)

      follow(JSON.parse(body))
      head(:no_content)
    rescue JSON::ParserError
      head(:bad_request)
    end

    private

    def follow(event)
      data = event.is_a?(Hash) ? event["data"] : nil
      return unless data.is_a?(Hash) && data["comment_id"].is_a?(String) && event["type"] != "comment.withdrawn"

      Jobs.enqueue(:steward_follow, id: data["comment_id"], body: Record.answered(data))
    end
  end
end
