# frozen_string_literal: true

require_relative "steward_helper"
require "socket"

describe DiscourseSteward::Client do
  # One answer on a port of this machine.
  def answering(said)
    server = TCPServer.new("127.0.0.1", 0)
    thread = Thread.new do
      socket = server.accept
      socket.readpartial(4096)
      socket.write(said)
      socket.close
    end
    yield described_class.new(url: "http://127.0.0.1:#{server.addr[1]}/", key: "k", timeout_s: 2)
  ensure
    thread&.join
    server&.close
  end

  def http(status, body)
    "HTTP/1.1 #{status} X\r\nContent-Length: #{body.bytesize}\r\nConnection: close\r\n\r\n#{body}"
  end

  it "takes an answer of JSON" do
    answering(http(200, '{"status": "approved"}')) do |client|
      answer = client.submit({ text: "a" })
      expect([answer.ok?, answer.body]).to eq([true, { "status" => "approved" }])
    end
  end

  it "tries again later after a page of a proxy, a broken answer and a closed port" do
    [http(200, "<html>"), http(503, "<html>"), "nonsense\r\n\r\n", ""].each do |said|
      answering(said) { |client| expect(client.submit({ text: "a" })).to be_again }
    end
    expect(described_class.new(url: "http://127.0.0.1:1", key: "k").submit({})).to be_again
  end

  it "says so if the address is none" do
    ["", "steward", "ftp://steward.example", "http://a b"].each do |url|
      expect(described_class.new(url: url, key: "k").submit({}).problem).to start_with("no answer")
    end
  end

  it "does not try again what Steward refuses for its content" do
    answering(http(400, '{"detail": "text must not be empty"}')) do |client|
      answer = client.submit({ text: "" })
      expect([answer.again?, answer.problem]).to eq([false, "400 text must not be empty"])
    end
  end
end
