# frozen_string_literal: true

require "json"
require "net/http"
require "openssl"
require "uri"

module DiscourseSteward
  # An answer, or the lack of one: then the status is 0.
  class Answer
    attr_reader :status, :body

    def initialize(status, body = {}, said = nil)
      @status = status
      @body = body.is_a?(Hash) ? body : {}
      @said = said
    end

    def ok?
      status.between?(200, 299)
    end

    # Whether the same request can succeed later: no answer, a redirect, a refused key, too many requests, or a fault.
    def again?
      status.between?(300, 399) || [0, 401, 403, 404, 408, 429].include?(status) || status >= 500
    end

    def problem
      status.zero? ? "no answer: #{@said}" : "#{status} #{body["detail"]}".strip
    end
  end

  # Calls Steward's API. An administrator enters the address, which is often a private one.
  class Client
    FAILURES = [
      SystemCallError,
      SocketError,
      IOError,
      Timeout::Error,
      OpenSSL::SSL::SSLError,
      Net::ProtocolError,
      Net::HTTPBadResponse,
      Net::HTTPHeaderSyntaxError,
      URI::InvalidURIError,
    ].freeze
    METHODS = { get: Net::HTTP::Get, post: Net::HTTP::Post, delete: Net::HTTP::Delete }.freeze

    def initialize(url:, key:, timeout_s: 3)
      @url = url.to_s.chomp("/")
      @key = key.to_s
      @timeout_s = timeout_s
    end

    def submit(body)
      ask(:post, "/v1/comments", body)
    end

    def comment(id)
      ask(:get, "/v1/comments/#{URI.encode_www_form_component(id)}")
    end

    def erase(id)
      ask(:delete, "/v1/comments/#{URI.encode_www_form_component(id)}")
    end

    # Store a moderator's decision as a label: approve, reject or spam. The newest one for a token counts.
    def teach(text, decision, token)
      scores = { "LIKELY_TO_REJECT" => share(decision == "approve" ? 0 : 1) }
      scores["SPAM"] = share(1) if decision == "spam"
      body = { comment: { text: text }, attributeScores: scores, clientToken: token }
      answer = ask(:post, "/v1alpha1/comments:suggestscore", body)
      return answer unless answer.status == 400 && scores.delete("SPAM")

      ask(:post, "/v1alpha1/comments:suggestscore", body) # a model that does not judge spam
    end

    private

    def share(value)
      { summaryScore: { value: value } }
    end

    def ask(method, path, body = nil)
      uri = URI("#{@url}#{path}")
      return Answer.new(0, {}, "the address is not one of HTTP") unless uri.is_a?(URI::HTTP) && uri.host

      read(connection(uri).start { |http| http.request(request(method, uri, body)) })
    rescue *FAILURES => e
      Answer.new(0, {}, "#{e.class}: #{e.message}")
    end

    def connection(uri)
      http = Net::HTTP.new(uri.host, uri.port)
      http.use_ssl = uri.scheme == "https"
      http.open_timeout = http.read_timeout = http.write_timeout = @timeout_s
      http.max_retries = 0
      http
    end

    def request(method, uri, body)
      request = METHODS.fetch(method).new(uri)
      request["Authorization"] = "Bearer #{@key}"
      request["User-Agent"] = "discourse-steward/#{VERSION}"
      request.content_type = "application/json"
      request.body = JSON.generate(body) if body
      request
    end

    def read(response)
      said = response.body.to_s
      value = said.empty? ? {} : JSON.parse(said)
      Answer.new(response.code.to_i, value)
    rescue JSON::ParserError
      # A page of something in between, such as a proxy, is no answer of Steward's.
      response.is_a?(Net::HTTPSuccess) ? Answer.new(0, {}, "another service answers") : Answer.new(response.code.to_i)
    end
  end
end
