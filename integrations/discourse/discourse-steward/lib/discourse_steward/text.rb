# frozen_string_literal: true

module DiscourseSteward
  # The text of a post as Steward judges it: Markdown without the quoted words of others.
  module Text
    # Steward's limit.
    MAX_BYTES = 20_480
    # What follows `=` has no bracket of its own, or many open quotes would take a minute.
    QUOTE = %r{\[quote(?:=[^\[\]]*)?\](?:(?!\[/?quote).)*\[/quote\]}mi
    # Discourse itself nests quotes a few levels deep.
    DEEPEST = 10

    # A title belongs to the text of a topic's first post. A post that is all quotes is judged with them.
    def self.of(raw, title = nil)
      own = raw.to_s.dup
      DEEPEST.times { break unless own.gsub!(QUOTE, "\n") }
      own = raw.to_s if own.strip.empty?
      [title, own].map { |part| part.to_s.strip }.reject(&:empty?).join("\n\n")
    end

    def self.too_long?(text)
      text.bytesize > MAX_BYTES
    end

    # The beginning, cut between characters.
    def self.cut(text)
      too_long?(text) ? text.byteslice(0, MAX_BYTES).scrub("") : text
    end
  end
end
