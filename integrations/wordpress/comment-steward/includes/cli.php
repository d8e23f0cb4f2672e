<?php
/**
 * Commands of WP-CLI: wp steward status | test | retry | check.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

/**
 * Checks comments with Steward.
 */
class CLI {
	/**
	 * Shows the address, and how many comments and decisions wait to be sent.
	 */
	public function status() {
		\WP_CLI::log( 'address: ' . ( '' === Settings::get( 'url' ) ? 'none' : Settings::get( 'url' ) ) );
		\WP_CLI::log( 'key: ' . ( '' === Settings::get( 'key' ) ? 'none' : 'stored' ) );
		\WP_CLI::log( 'webhooks: ' . ( '' === Settings::get( 'secret' ) ? 'no secret; asks every 15 minutes' : Webhook::url() ) );
		\WP_CLI::log( 'comments not checked yet: ' . self::waiting( Record::WAITING ) );
		\WP_CLI::log( 'decisions not sent yet: ' . self::waiting( Record::DECISION ) );
		\WP_CLI::log( 'erasures not sent yet: ' . count( (array) get_option( Retries::ERASE, array() ) ) );
	}

	/**
	 * Tests the address and the key.
	 */
	public function test() {
		$answer = Client::post( '/v1/score', array( 'text' => 'This is a test of the connection.' ) );
		if ( ! $answer->is_ok() ) {
			\WP_CLI::error( $answer->problem() );
		}
		\WP_CLI::success( 'Steward answers, and the key is good.' );
	}

	/**
	 * Sends what waits now.
	 */
	public function retry() {
		$sent = 0;
		do {
			$now   = Retries::run();
			$sent += $now;
		} while ( $now >= Retries::AT_ONCE );
		\WP_CLI::success( "$sent sent; " . self::waiting( Record::WAITING ) . ' comments still wait.' );
	}

	/**
	 * Checks the comments that are there.
	 *
	 * ## OPTIONS
	 *
	 * [--published]
	 * : Also check published comments.
	 *
	 * [--hold]
	 * : Hold published comments that Steward would not approve.
	 *
	 * [--after=<id>]
	 * : Begin after the comment with this id.
	 */
	public function check( $args, $options ) {
		$published = ! empty( $options['published'] );
		$after     = isset( $options['after'] ) ? (int) $options['after'] : 0;
		$checked   = 0;
		do {
			$found = Bulk::check( $after, $published, ! empty( $options['hold'] ) );
			if ( is_string( $found ) ) {
				\WP_CLI::error( "$found Continue with --after=$after" );
			}
			$after    = $found['after'];
			$checked += $found['checked'];
			\WP_CLI::log( "$checked checked, {$found['left']} left" );
		} while ( $found['left'] && $found['checked'] );
		\WP_CLI::success( "$checked comments checked." );
	}

	private static function waiting( $mark ) {
		return get_comments(
			array(
				'status'   => array( 'hold', 'approve', 'spam', 'trash' ),
				'meta_key' => $mark, // phpcs:ignore WordPress.DB.SlowDBQuery -- the key is indexed, and few have the mark
				'count'    => true,
			)
		);
	}
}
