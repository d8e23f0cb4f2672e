<?php
/**
 * Sends moderators' decisions to Steward as labels.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Feedback {
	public static function register() {
		add_action( 'transition_comment_status', array( __CLASS__, 'note' ), 10, 3 );
	}

	/**
	 * Keep the decision until Steward has it; the newest one counts.
	 */
	public static function note( $new, $old, $comment ) {
		$is_there = in_array( $new, array( 'approved', 'unapproved', 'spam', 'trash' ), true );
		if ( $new === $old || Checks::$is_applying || ! $is_there ) {
			return;
		}
		update_comment_meta( $comment->comment_ID, Record::OWN, 1 );
		if ( 'unapproved' !== $new ) { // else somebody took it back, and it may still be checked
			delete_comment_meta( $comment->comment_ID, Record::WAITING );
		}
		if ( ! Settings::get( 'feedback' ) || ! Settings::is_set_up() || ! current_user_can( 'moderate_comments' ) ) {
			return;
		}
		$decisions = array(
			'approved' => 'approve',
			'spam'     => 'spam',
			'trash'    => 'reject',
		);
		if ( ! isset( $decisions[ $new ] ) ) {
			return;
		}
		update_comment_meta( $comment->comment_ID, Record::DECISION, $decisions[ $new ] );
		if ( ! self::send( $comment ) ) {
			Retries::later();
		}
	}

	/**
	 * Returns whether Steward has the decision now, or will never take it. A repeated one changes nothing, because
	 * the token names the comment.
	 */
	public static function send( $comment ) {
		$decision = get_comment_meta( $comment->comment_ID, Record::DECISION, true );
		$text     = Text::cut( Text::of( $comment->comment_content ) );
		$scores   = array( 'LIKELY_TO_REJECT' => self::score( 'approve' === $decision ? 0 : 1 ) );
		if ( 'spam' === $decision || 'approve' === $decision ) {
			$scores['SPAM'] = self::score( 'spam' === $decision ? 1 : 0 );
		}
		$body   = array(
			'comment'         => array( 'text' => $text ),
			'attributeScores' => $scores,
			'clientToken'     => Record::id( $comment->comment_ID ),
		);
		$answer = '' === $text ? new Answer( 400, array() ) : Client::post( '/v1alpha1/comments:suggestscore', $body );
		if ( 400 === $answer->status && isset( $scores['SPAM'] ) && '' !== $text ) { // a model that does not judge spam
			unset( $body['attributeScores']['SPAM'] );
			$answer = Client::post( '/v1alpha1/comments:suggestscore', $body );
		}
		if ( $answer->may_try_again() ) {
			return false;
		}
		delete_comment_meta( $comment->comment_ID, Record::DECISION );
		return true;
	}

	private static function score( $value ) {
		return array( 'summaryScore' => array( 'value' => $value ) );
	}
}
