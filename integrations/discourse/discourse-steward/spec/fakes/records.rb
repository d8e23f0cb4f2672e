# frozen_string_literal: true

# Rows in memory, with the few questions that the plugin asks of ActiveRecord. Others raise an error.
class Table
  ALL = []

  def self.inherited(kind)
    super
    kind.instance_variable_set(:@rows, [])
    ALL << kind.rows
    kind.attr_accessor(:id)
  end

  class << self
    attr_reader :rows

    # Of this class and of those that inherit from it.
    def all
      rows + subclasses.flat_map(&:all)
    end

    def create!(**values)
      new(**values).tap(&:save!)
    end

    def find_by(**wanted)
      where(**wanted).first
    end

    def where(...)
      Found.new(all).where(...)
    end
  end

  def initialize(**values)
    values.each { |name, value| public_send("#{name}=", value) }
  end

  def save!
    return true if self.class.rows.include?(self)

    @id ||= Table::ALL.sum(&:size) + 1
    self.class.rows << self
    true
  end
  alias save save!

  # What a query found.
  class Found
    include Enumerable

    SQL = {
      "payload->'steward'->>'id' = ?" => ->(row, id) { row.payload.dig("steward", "id") == id },
      "payload->'steward' IS NOT NULL" => ->(row) { !row.payload["steward"].nil? },
      "agreed_at IS NOT NULL OR disagreed_at IS NOT NULL OR deferred_at IS NOT NULL" => ->(row) { !row.active? },
    }.freeze

    def initialize(rows)
      @rows = rows
    end

    def each(&block)
      @rows.each(&block)
    end

    def where(sql = nil, *given, **wanted)
      return Found.new(@rows.select { |row| SQL.fetch(sql).call(row, *given) }) if sql

      Found.new(@rows.select { |row| wanted.all? { |name, value| row.public_send(name) == value } })
    end

    def exists?
      @rows.any?
    end

    def order(*)
      self
    end

    def limit(number)
      first(number)
    end

    def delete_all
      @rows.each { |row| row.class.rows.delete(row) }
    end
  end
end

class User < Table
  attr_accessor :username, :email, :admin, :moderator, :trust_level, :created_at

  def staff?
    admin || moderator
  end

  def human?
    id.positive?
  end
end

class Category < Table
  attr_accessor :slug
end

module Archetype
  def self.private_message
    "private_message"
  end
end

class Topic < Table
  attr_accessor :title, :archetype, :category

  def private_message?
    archetype == Archetype.private_message
  end

  def url
    "#{Discourse.base_url}/t/#{id}"
  end
end

class PostCustomField < Table
  attr_accessor :post_id, :name, :value
end

class Post < Table
  attr_accessor :raw, :user, :topic, :post_number, :reply_to_post_number, :created_at, :hidden

  def topic_id
    topic&.id
  end

  def is_first_post?
    post_number == 1
  end

  def custom_fields
    @custom_fields ||= {}
  end

  def save_custom_fields(_force)
    custom_fields.each do |name, value|
      field = PostCustomField.find_by(post_id: id, name: name) || PostCustomField.create!(post_id: id, name: name)
      field.value = value
    end
  end

  def errors
    @errors ||= Hash.new { |all, name| all[name] = [] }
  end

  def hidden?
    hidden == true
  end

  def hide!(_type)
    self.hidden = true
  end

  def unhide!
    self.hidden = false
  end
end
