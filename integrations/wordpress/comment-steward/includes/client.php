<?php
/**
 * Calls Steward's API.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

/**
 * An answer, or the lack of one: then the status is 0.
 */
class Answer {
	public $status;
	public $body;
	private $said;

	public function __construct( $status, $body, $said = '' ) {
		$this->status = $status;
		$this->body   = is_array( $body ) ? $body : array();
		$this->said   = $said;
	}

	public function is_ok() {
		return $this->status >= 200 && $this->status < 300;
	}

	/**
	 * Whether the same request can succeed later: no answer, a redirect, a refused key, too many requests, or a fault of the service.
	 */
	public function may_try_again() {
		$is_redirect = $this->status >= 300 && $this->status < 400; // the address is not Steward's
		return $is_redirect || in_array( $this->status, array( 0, 401, 403, 404, 408, 429 ), true ) || $this->status >= 500;
	}

	public function problem() {
		$detail = isset( $this->body['detail'] ) ? $this->body['detail'] : '';
		if ( 0 === $this->status ) {
			/* translators: %s: an error of the network. */
			return sprintf( __( 'Steward does not answer: %s', 'comment-steward' ), $this->said );
		}
		/* translators: 1: status of HTTP, 2: what Steward said. */
		return sprintf( __( 'Steward answers %1$d. %2$s', 'comment-steward' ), $this->status, $detail );
	}
}

class Client {
	/** An option: why the key is refused; absent while it is good. */
	const REFUSED = 'comment_steward_refused';

	public static function post( $path, $body, $timeout_s = null ) {
		return self::send( 'POST', $path, $body, $timeout_s );
	}

	public static function send( $method, $path, $body = null, $timeout_s = null ) {
		if ( ! Settings::is_set_up() ) {
			return new Answer( 0, null, __( 'the address or the key is missing', 'comment-steward' ) );
		}
		$request = array(
			'method'      => $method,
			'timeout'     => null === $timeout_s ? (int) Settings::get( 'timeout_s' ) : $timeout_s,
			'redirection' => 0,
			'headers'     => array(
				'Authorization' => 'Bearer ' . Settings::get( 'key' ),
				'Content-Type'  => 'application/json',
				'User-Agent'    => 'CommentSteward-WordPress/' . VERSION,
			),
		);
		if ( null !== $body ) {
			$request['body'] = wp_json_encode( $body, JSON_UNESCAPED_UNICODE | JSON_INVALID_UTF8_SUBSTITUTE );
		}
		// An administrator enters the address, which is often a private one.
		$response = wp_remote_request( Settings::get( 'url' ) . $path, $request );
		if ( is_wp_error( $response ) ) {
			return new Answer( 0, null, $response->get_error_message() );
		}
		$said   = wp_remote_retrieve_body( $response );
		$value  = json_decode( $said, true );
		$answer = new Answer( (int) wp_remote_retrieve_response_code( $response ), $value );
		if ( $answer->is_ok() && '' !== $said && ! is_array( $value ) ) { // a page of something in between, such as a proxy
			return new Answer( 0, null, __( 'another service answers at the address', 'comment-steward' ) );
		}
		self::note_key( $answer );
		return $answer;
	}

	private static function note_key( Answer $answer ) {
		if ( 401 === $answer->status || 403 === $answer->status ) {
			update_option( self::REFUSED, $answer->problem(), false );
		} elseif ( $answer->is_ok() && get_option( self::REFUSED ) ) {
			delete_option( self::REFUSED );
		}
	}
}
