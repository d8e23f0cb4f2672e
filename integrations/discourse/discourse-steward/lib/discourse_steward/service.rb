# frozen_string_literal: true

module DiscourseSteward
  # The Steward of the site's settings.
  module Service
    # While Steward is away, readers do not wait for it each time.
    AWAY_S = 30
    AWAY = "steward_away"
    FIRST_S = 60
    LAST_S = 3600

    def self.ready?
      SiteSetting.steward_enabled && SiteSetting.steward_url.present? && SiteSetting.steward_key.present?
    end

    def self.client
      Client.new(url: SiteSetting.steward_url, key: SiteSetting.steward_key, timeout_s: SiteSetting.steward_timeout_s)
    end

    # For a reader who waits: no call if the last one failed a moment ago.
    def self.submit_now(body)
      return Answer.new(0, {}, "away a moment ago") if Discourse.redis.get(AWAY)

      submit(body)
    end

    def self.submit(body)
      answer = client.submit(body)
      answer = Answer.new(0, {}, "another service answers") if answer.ok? && !answer.body["status"].is_a?(String)
      Discourse.redis.setex(AWAY, AWAY_S, "1") if answer.status.zero?
      Rails.logger.warn("Steward: #{answer.problem}") unless answer.ok?
      answer
    end

    # Seconds until the next try: a minute, doubled up to an hour.
    def self.pause_s(tries)
      [LAST_S, FIRST_S * (2**[tries, 10].min)].min
    end

    # One at a time for each comment: an answer and a webhook may arrive together.
    def self.alone(id, &block)
      DistributedMutex.synchronize("steward-#{id}", &block)
    end
  end
end
