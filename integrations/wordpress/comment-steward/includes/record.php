<?php
/**
 * What is kept of a comment: Steward's answer, and what must still be sent.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Record {
	/** Steward's last answer: status, version, scores, reasons, checked_at. */
	const ANSWER = '_comment_steward';
	/** The comment was not checked yet: the number of tries. */
	const WAITING = '_comment_steward_waiting';
	/** A moderator's decision that Steward does not know yet: approve, reject or spam. */
	const DECISION = '_comment_steward_decision';
	/** WordPress itself would hold the comment, so that only a person publishes it. */
	const HELD = '_comment_steward_hold';
	/** Somebody here changed the status: from then on only a person changes it from Steward's side. */
	const OWN = '_comment_steward_own';
	/** The comment was sent without an answer, so Steward may have it. */
	const SENT = '_comment_steward_sent';
	/** Steward will never answer: why. */
	const REFUSED = '_comment_steward_refused';

	/** Unique among the sites of a network; Steward sees one key for each. */
	public static function id( $comment_id ) {
		return 'wp-' . get_current_blog_id() . '-' . (int) $comment_id;
	}

	/**
	 * The comment of this site with that id of Steward's, 0 if there is none.
	 */
	public static function comment_of( $id ) {
		$prefix = 'wp-' . get_current_blog_id() . '-';
		if ( ! is_string( $id ) || 0 !== strpos( $id, $prefix ) ) {
			return 0;
		}
		$number = substr( $id, strlen( $prefix ) );
		return ctype_digit( $number ) && get_comment( (int) $number ) ? (int) $number : 0;
	}

	public static function of( $comment_id ) {
		$kept = get_comment_meta( $comment_id, self::ANSWER, true );
		return is_array( $kept ) ? $kept : array();
	}

	public static function keep( $comment_id, $body ) {
		$reasons = array();
		foreach ( isset( $body['reasons'] ) && is_array( $body['reasons'] ) ? $body['reasons'] : array() as $reason ) {
			$reasons[] = array_intersect_key( $reason, array_flip( array( 'code', 'attribute', 'score', 'rule', 'language' ) ) );
		}
		$kept = array(
			'status'     => (string) $body['status'],
			'version'    => isset( $body['version'] ) ? (int) $body['version'] : 0,
			'decided_by' => isset( $body['decided_by'] ) ? (string) $body['decided_by'] : '',
			'scores'     => isset( $body['scores'] ) && is_array( $body['scores'] ) ? array_map( 'floatval', $body['scores'] ) : array(),
			'reasons'    => $reasons,
			'checked_at' => time(),
		);
		update_comment_meta( $comment_id, self::ANSWER, wp_slash( $kept ) );
		delete_comment_meta( $comment_id, self::WAITING );
		delete_comment_meta( $comment_id, self::REFUSED );
	}

	/**
	 * Whether Steward has the comment, or may have it: an answer that got lost says nothing.
	 */
	public static function may_be_there( $comment_id ) {
		return self::of( $comment_id ) || '' !== get_comment_meta( $comment_id, self::SENT, true );
	}

	public static function forget( $comment_id ) {
		foreach ( array( self::ANSWER, self::WAITING, self::DECISION, self::HELD, self::OWN, self::SENT, self::REFUSED ) as $name ) {
			delete_comment_meta( $comment_id, $name );
		}
	}
}
