<?php
/**
 * Sends again what Steward did not take: comments, moderators' decisions, and erasures.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Retries {
	const HOOK = 'comment_steward_retry';
	/** Runs every 15 minutes, even if nothing is known to wait: a request may have ended before it could say so. */
	const SWEEP = 'comment_steward_sweep';
	/** An option: ids that Steward must still erase. */
	const ERASE   = 'comment_steward_erase';
	/** An option: how many of the comments that wait the last sweep passed over; the next one asks for those after. */
	const ASKED   = 'comment_steward_asked';
	const AT_ONCE = 50;
	const FIRST_S = 60;
	const LAST_S  = 3600;

	public static function register() {
		add_action( self::HOOK, array( __CLASS__, 'run' ) );
		add_action( self::SWEEP, array( __CLASS__, 'sweep' ) );
		// phpcs:ignore WordPress.WP.CronInterval -- comments wait for it
		add_filter( 'cron_schedules', array( __CLASS__, 'schedules' ) );
		add_action( 'init', array( __CLASS__, 'schedule' ) );
		register_deactivation_hook( FILE, array( __CLASS__, 'unschedule' ) );
	}

	public static function schedules( $schedules ) {
		$schedules['comment_steward'] = array(
			'interval' => 15 * MINUTE_IN_SECONDS,
			'display'  => __( 'Every 15 minutes', 'comment-steward' ),
		);
		return $schedules;
	}

	public static function schedule() {
		if ( ! wp_next_scheduled( self::SWEEP ) ) {
			wp_schedule_event( time() + 60, 'comment_steward', self::SWEEP );
		}
	}

	public static function unschedule() {
		wp_clear_scheduled_hook( self::SWEEP );
		wp_clear_scheduled_hook( self::HOOK );
	}

	/**
	 * Note that a comment could not be checked now. The pause doubles from a minute to an hour.
	 */
	public static function wait( $comment_id ) {
		$tries = (int) get_comment_meta( $comment_id, Record::WAITING, true ) + 1;
		update_comment_meta( $comment_id, Record::WAITING, $tries );
		self::later( $tries );
	}

	public static function later( $tries = 1 ) {
		if ( ! wp_next_scheduled( self::HOOK ) ) {
			wp_schedule_single_event( time() + min( self::LAST_S, self::FIRST_S * 2 ** min( 10, $tries - 1 ) ), self::HOOK );
		}
	}

	public static function erase_later( $id ) {
		$ids = (array) get_option( self::ERASE, array() );
		update_option( self::ERASE, array_values( array_unique( array_merge( $ids, array( $id ) ) ) ), false );
		self::later();
	}

	public static function sweep() {
		self::run();
		if ( '' === Settings::get( 'secret' ) ) {
			self::ask();
		}
	}

	/**
	 * Send what waits, oldest first; stop at the first failure, because Steward is still away. Returns how much was sent.
	 */
	public static function run() {
		$sent = 0;
		foreach ( self::with( Record::WAITING ) as $comment ) {
			if ( 'unapproved' !== wp_get_comment_status( $comment ) ) { // a moderator was quicker
				delete_comment_meta( $comment->comment_ID, Record::WAITING );
				continue;
			}
			if ( Checks::check( $comment )->may_try_again() ) {
				return $sent;
			}
			++$sent;
		}
		foreach ( self::with( Record::DECISION ) as $comment ) {
			if ( ! Feedback::send( $comment ) ) {
				return $sent;
			}
			++$sent;
		}
		$sent += self::erase();
		if ( self::with( Record::WAITING, 1 ) || self::with( Record::DECISION, 1 ) ) {
			self::later();
		}
		return $sent;
	}

	private static function erase() {
		$done = array();
		foreach ( (array) get_option( self::ERASE, array() ) as $id ) {
			$answer = Client::send( 'DELETE', '/v1/comments/' . rawurlencode( $id ) );
			if ( ! $answer->is_ok() && 404 !== $answer->status ) {
				break;
			}
			$done[] = $id;
		}
		// Other requests may have added ids meanwhile, which this one's copy of the option lacks.
		wp_cache_delete( self::ERASE, 'options' );
		$left = array_values( array_diff( (array) get_option( self::ERASE, array() ), $done ) );
		if ( $left ) {
			update_option( self::ERASE, $left, false );
			self::later();
		} elseif ( $done ) {
			delete_option( self::ERASE );
		}
		return count( $done );
	}

	/**
	 * Without webhooks: ask what became of the comments that wait for a moderator of Steward's, newest first, and each
	 * time of the next ones, so that many that wait hide no others.
	 */
	public static function ask() {
		$passed  = (int) get_option( self::ASKED, 0 );
		$pending = get_comments(
			array(
				'status'   => 'hold',
				'meta_key' => Record::ANSWER, // phpcs:ignore WordPress.DB.SlowDBQuery -- pending comments are few
				'number'   => self::AT_ONCE,
				'offset'   => $passed,
				'orderby'  => 'comment_ID', // an order without ties, so that the next sweep goes on where this one ended
				'order'    => 'DESC',
			)
		);
		foreach ( $pending as $comment ) {
			$answer = Client::send( 'GET', '/v1/comments/' . rawurlencode( Record::id( $comment->comment_ID ) ) );
			if ( 0 === $answer->status ) {
				return;
			}
			$known = Record::of( $comment->comment_ID );
			if ( $answer->is_ok() && (int) $answer->body['version'] > (int) $known['version'] ) {
				Checks::take( $comment, $answer, false );
				Checks::follow( $comment, (string) $answer->body['status'] );
			}
		}
		update_option( self::ASKED, count( $pending ) < self::AT_ONCE ? 0 : $passed + self::AT_ONCE, false );
	}

	/**
	 * Comments that carry a mark, oldest first, in any status.
	 */
	public static function with( $mark, $number = self::AT_ONCE ) {
		return get_comments(
			array(
				'status'   => array( 'hold', 'approve', 'spam', 'trash' ),
				'meta_key' => $mark, // phpcs:ignore WordPress.DB.SlowDBQuery -- the key is indexed, and few have the mark
				'number'   => $number,
				'orderby'  => 'comment_ID',
				'order'    => 'ASC',
			)
		);
	}
}
