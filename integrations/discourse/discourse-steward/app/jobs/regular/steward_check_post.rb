# frozen_string_literal: true

module Jobs
  # Asks Steward about a published post whose text changed. Without an answer the post goes to the moderators, visible.
  class StewardCheckPost < ::Jobs::Base
    # About two days.
    TRIES = 50

    def execute(args)
      post = Post.find_by(id: args[:post_id])
      return unless DiscourseSteward::Service.ready? && post

      prepare(post)
      answer = DiscourseSteward::Follow.check(post, DiscourseSteward::Submission.of_post(post))
      try_again(post, args[:tries].to_i) if answer.again?
    end

    private

    # A moderator's decision was about the text before.
    def prepare(post)
      kept = DiscourseSteward::Record.of(post)
      kept = DiscourseSteward::Record.fresh unless kept.key?("id")
      DiscourseSteward::Record.keep(post, kept.except("own", "status", "scores", "decided_by"))
    end

    def try_again(post, tries)
      DiscourseSteward::Decisions.apply(post) if tries.zero?
      return if tries >= TRIES

      pause_s = DiscourseSteward::Service.pause_s(tries)
      Jobs.enqueue_in(pause_s, :steward_check_post, post_id: post.id, tries: tries + 1)
    end
  end
end
