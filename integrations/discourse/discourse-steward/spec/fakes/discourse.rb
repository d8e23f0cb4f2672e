# frozen_string_literal: true

# Small stand-ins for the classes of Discourse that the plugin calls, so that its specs run with Ruby, RSpec, I18n and
# ActiveSupport alone. They are no Discourse: each behaves as Discourse's source read when the plugin was written
# (NewPostManager, ReviewableQueuedPost, ReviewableFlaggedPost, PostActionCreator), and has no more than the plugin uses.

require "active_support"
require "active_support/core_ext"
require "i18n"
require "json"
require "logger"
require "yaml"

require_relative "records"
require_relative "reviewables"
require_relative "posting"

module Fakes
  PLUGIN = File.expand_path("../..", __dir__)
  DEFAULTS = YAML.load_file("#{PLUGIN}/config/settings.yml").fetch("discourse_steward").transform_values { |each| each["default"] }

  # Everything as on a fresh site.
  def self.reset
    Table::ALL.each(&:clear)
    [Jobs.queue, Discourse.redis.kept].each(&:clear)
    SiteSetting.restore
    User.create!(id: Discourse::SYSTEM_USER_ID, username: "system", admin: true, trust_level: 4)
  end

  # Loads the plugin once, as Discourse does.
  def self.load_plugin
    I18n.load_path += Dir["#{PLUGIN}/config/locales/server.*.yml"]
    I18n.available_locales = %i[en de]
    host = PluginHost.new
    host.instance_eval(File.read("#{PLUGIN}/plugin.rb"), "#{PLUGIN}/plugin.rb")
    host.initialize_all
  end

  # What `plugin.rb` is evaluated in.
  class PluginHost
    def enabled_site_setting(name)
      @setting = name
    end

    def after_initialize(&block)
      @after = block
    end

    def initialize_all
      instance_eval(&@after)
    end

    # Discourse calls a plugin only while its setting is on.
    def on(event, &block)
      setting = @setting
      DiscourseEvent.on(event) { |*given| block.call(*given) if SiteSetting.public_send(setting) }
    end

    def register_post_custom_field_type(_name, _type); end

    def require_relative(path)
      Kernel.require("#{PLUGIN}/#{path}")
    end
  end
end

module SiteSetting
  def self.restore
    @values = Fakes::DEFAULTS.merge("default_locale" => "en", "approve_all" => false)
  end

  def self.method_missing(name, *given)
    key = name.to_s.delete_suffix("=")
    return super unless @values.key?(key)

    name.end_with?("=") ? @values[key] = given.first : @values[key]
  end

  def self.respond_to_missing?(name, _private = false)
    @values.key?(name.to_s.delete_suffix("="))
  end
end

module Discourse
  SYSTEM_USER_ID = -1

  # Redis, without expiry.
  class Redis
    attr_reader :kept

    def initialize
      @kept = {}
    end

    def get(key)
      @kept[key]
    end

    def setex(key, _seconds, value)
      @kept[key] = value
    end
  end

  module Application
    def self.routes
      self
    end

    def self.append; end
  end

  class << self
    attr_accessor :base_url

    def redis
      @redis ||= Redis.new
    end

    def system_user
      User.find_by(id: SYSTEM_USER_ID)
    end
  end
end

module DiscourseEvent
  @handlers = Hash.new { |all, name| all[name] = [] }

  def self.on(name, &block)
    @handlers[name] << block
  end

  def self.trigger(name, *given)
    @handlers[name].each { |each| each.call(*given) }
  end
end

module DistributedMutex
  def self.synchronize(_name)
    yield
  end
end

module Rails
  def self.logger
    @logger ||= Logger.new(IO::NULL)
  end
end

# Sidekiq: the arguments travel as JSON, and nothing runs by itself.
module Jobs
  class Base
    def self.every(_interval); end
  end

  Scheduled = Class.new(Base)

  class << self
    def queue
      @queue ||= []
    end

    def enqueue(name, args = {})
      enqueue_in(0, name, args)
    end

    def enqueue_in(seconds, name, args = {})
      queue << { at_s: seconds, name: name, args: JSON.parse(JSON.generate(args)) }
    end

    # Run what is there now, whenever it is due. Returns the names.
    def run
      queue.shift(queue.size).map do |job|
        perform(job[:name], job[:args])
        job[:name]
      end
    end

    def perform(name, args = {})
      const_get(name.to_s.camelize).new.execute(args.with_indifferent_access)
    end
  end
end

module ActionController
  # A controller as the plugin uses one.
  class Base
    Request = Struct.new(:headers, :raw_post)
    attr_reader :request, :answered

    def self.skip_before_action(*, **); end

    def initialize(headers, body)
      @request = Request.new(headers, body)
    end

    def head(status)
      @answered = status
    end
  end
end
