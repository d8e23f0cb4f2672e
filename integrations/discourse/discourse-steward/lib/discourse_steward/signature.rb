# frozen_string_literal: true

require "openssl"

module DiscourseSteward
  # Standard Webhooks: an HMAC over id, time and the bytes of the body. Several signatures stand there during a rotation.
  module Signature
    TOLERANCE_S = 300

    # `headers` answers to [] with the names in lower case.
    def self.valid?(secret, headers, body, now: Time.now)
      key = key_of(secret)
      id = headers["webhook-id"].to_s
      time = headers["webhook-timestamp"].to_s
      return false if key.nil? || id.empty? || !time.match?(/\A\d{1,12}\z/)
      return false if (now.to_i - time.to_i).abs > TOLERANCE_S

      signed = "#{id}.#{time}.".b + body.to_s.b
      expected = "v1,#{[OpenSSL::HMAC.digest("SHA256", key, signed)].pack("m0")}"
      headers["webhook-signature"].to_s.split.any? { |given| same?(expected, given) }
    end

    def self.key_of(secret)
      key = secret.to_s.delete_prefix("whsec_").unpack1("m0")
      key.empty? ? nil : key
    rescue ArgumentError # not base64
      nil
    end
    private_class_method :key_of

    def self.same?(expected, given)
      expected.bytesize == given.bytesize && OpenSSL.fixed_length_secure_compare(expected, given)
    end
    private_class_method :same?
  end
end
