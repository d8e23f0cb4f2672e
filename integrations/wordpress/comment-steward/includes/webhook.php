<?php
/**
 * Receives Steward's webhooks: a moderator's decision there changes the comment here.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Webhook {
	const ROUTE       = 'comment-steward/v1';
	const TOLERANCE_S = 300;

	public static function register() {
		add_action( 'rest_api_init', array( __CLASS__, 'route' ) );
	}

	public static function url() {
		return rest_url( self::ROUTE . '/webhook' );
	}

	public static function route() {
		$route = array(
			'methods'             => 'POST',
			'callback'            => array( __CLASS__, 'receive' ),
			'permission_callback' => array( __CLASS__, 'is_signed' ),
		);
		register_rest_route( self::ROUTE, '/webhook', $route );
	}

	/**
	 * Standard Webhooks: an HMAC over id, time and the bytes of the body. Several signatures stand there during a rotation.
	 */
	public static function is_signed( $request ) {
		$secret = Settings::get( 'secret' );
		$key    = base64_decode( preg_replace( '/^whsec_/', '', $secret ), true ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- the secret's own form
		$id     = (string) $request->get_header( 'webhook_id' );
		$time   = (string) $request->get_header( 'webhook_timestamp' );
		if ( '' === $secret || false === $key || '' === $key || ! ctype_digit( $time ) || abs( time() - (int) $time ) > self::TOLERANCE_S ) {
			return self::refused();
		}
		$expected = 'v1,' . base64_encode( hash_hmac( 'sha256', "$id.$time." . $request->get_body(), $key, true ) ); // phpcs:ignore WordPress.PHP.DiscouragedPHPFunctions -- as the standard says
		foreach ( explode( ' ', (string) $request->get_header( 'webhook_signature' ) ) as $given ) {
			if ( hash_equals( $expected, $given ) ) {
				return true;
			}
		}
		return self::refused();
	}

	private static function refused() {
		return new \WP_Error( 'comment_steward_signature', 'the signature is missing, wrong or old', array( 'status' => 401 ) );
	}

	/**
	 * An event may arrive twice, and after newer ones of other comments: only a higher version counts.
	 */
	public static function receive( $request ) {
		$event = json_decode( $request->get_body(), true );
		$data  = isset( $event['data'] ) && is_array( $event['data'] ) ? $event['data'] : array();
		$id    = Record::comment_of( isset( $data['comment_id'] ) ? $data['comment_id'] : '' );
		if ( $id && isset( $data['status'], $data['version'] ) && 'comment.withdrawn' !== $event['type'] ) {
			self::take( get_comment( $id ), $data );
		}
		return new \WP_REST_Response( null, 204 );
	}

	private static function take( $comment, $data ) {
		$kept = Record::of( $comment->comment_ID );
		if ( (int) $data['version'] <= ( isset( $kept['version'] ) ? (int) $kept['version'] : 0 ) ) {
			return;
		}
		$told = array_intersect_key( $data, array_flip( array( 'status', 'version', 'decided_by' ) ) );
		Record::keep( $comment->comment_ID, $told + $kept );
		Checks::follow( $comment, (string) $data['status'] );
	}
}
