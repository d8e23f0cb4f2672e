# frozen_string_literal: true

require "securerandom"

module DiscourseSteward
  # What is kept of a check: in the payload of a queued post, and in a custom field of a published one.
  #
  # `id`: Steward's. `status`, `version`, `decided_by`, `scores`: its last answer; without `status` the check is still
  # due. `held`: Discourse's own rules hold the post, or it was too long to judge whole, so that only a person publishes
  # it. `own`: a moderator here decided; from then on only a moderator of Steward's changes it from there.
  module Record
    FIELD = "steward"
    # Indexed by Discourse, which finds the post of a webhook.
    ID_FIELD = "steward_id"
    ANSWERED = %w[status version decided_by scores].freeze

    def self.fresh
      { "id" => "discourse-#{SecureRandom.hex(12)}" }
    end

    def self.of(target)
      found = target.is_a?(ReviewableQueuedPost) ? target.payload["steward"] : target.custom_fields[FIELD]
      found.is_a?(Hash) ? found : {}
    end

    def self.keep(target, kept)
      if target.is_a?(ReviewableQueuedPost)
        target.payload = target.payload.merge("steward" => kept)
        target.save!
      else
        target.custom_fields[FIELD] = kept
        target.custom_fields[ID_FIELD] = kept["id"]
        target.save_custom_fields(true)
      end
    end

    # A post was made, of a queued one perhaps, which knows whether a moderator decided.
    def self.published(post, kept)
      queued = ReviewableQueuedPost.find_by(target: post)
      keep(post, queued ? of(queued) : kept)
    end

    def self.merge(target, more)
      keep(target, of(target).merge(more))
    end

    def self.answered(body)
      body.slice(*ANSWERED)
    end

    def self.refused(answer)
      { "status" => "refused", "version" => 0, "problem" => answer.problem }
    end

    # Due: Steward has not answered yet.
    def self.waiting?(target)
      kept = of(target)
      kept.key?("id") && !kept.key?("status")
    end

    # The post with that id of Steward's, or the one that still waits in the queue; nil if there is none.
    def self.find(id)
      field = PostCustomField.find_by(name: ID_FIELD, value: id)
      post = field && Post.find_by(id: field.post_id)
      post || ReviewableQueuedPost.where("payload->'steward'->>'id' = ?", id).first
    end
  end
end
