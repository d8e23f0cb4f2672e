<?php
/**
 * Checks each new comment, and does what Steward answers. Without an answer the comment is pending.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Checks {
	/** Whether a status changes now because Steward said so; then it is no decision of a moderator. */
	public static $is_applying = false;

	/** The comment that WordPress is about to store: what WordPress itself would do with it. */
	private static $expected = null;

	public static function register() {
		// After other plugins: what they call spam stays spam.
		add_filter( 'pre_comment_approved', array( __CLASS__, 'hold' ), 99, 2 );
		add_action( 'wp_insert_comment', array( __CLASS__, 'check_new' ), 99, 2 );
		add_action( 'delete_comment', array( __CLASS__, 'erase' ) );
	}

	/**
	 * Store the comment as pending first: it needs an id, and nothing is lost if the request ends here.
	 */
	public static function hold( $approved, $comment ) {
		self::$expected = null;
		if ( is_wp_error( $approved ) || ! in_array( (string) $approved, array( '0', '1' ), true ) || ! self::is_checked( $comment ) ) {
			return $approved;
		}
		self::$expected = '1' === (string) $approved || self::may_publish( $comment );
		return 0;
	}

	private static function is_checked( $comment ) {
		if ( ! Settings::is_set_up() ) {
			return false;
		}
		$user = empty( $comment['user_id'] ) ? 0 : (int) $comment['user_id'];
		return ! ( $user && Settings::get( 'skip_staff' ) && user_can( $user, 'moderate_comments' ) );
	}

	/**
	 * Whether WordPress holds the comment only because its author has no approved one yet.
	 */
	private static function may_publish( $comment ) {
		if ( ! Settings::get( 'publish' ) ) {
			return false;
		}
		$none = static function () {
			return '0';
		};
		add_filter( 'pre_option_comment_previously_approved', $none );
		$field  = static function ( $name ) use ( $comment ) {
			return isset( $comment[ $name ] ) ? $comment[ $name ] : '';
		};
		$passes = check_comment( $field( 'comment_author' ), $field( 'comment_author_email' ), $field( 'comment_author_url' ), $field( 'comment_content' ), $field( 'comment_author_IP' ), $field( 'comment_agent' ), $field( 'comment_type' ) );
		remove_filter( 'pre_option_comment_previously_approved', $none );
		return (bool) $passes;
	}

	public static function check_new( $comment_id, $comment ) {
		if ( null === self::$expected ) {
			return;
		}
		$publish        = self::$expected;
		self::$expected = null;
		update_comment_meta( $comment_id, Record::WAITING, 0 );
		if ( ! $publish ) {
			update_comment_meta( $comment_id, Record::HELD, 1 );
		}
		// WordPress writes to the author of the post itself, after this, except for comments that come by its API.
		$is_written = ! defined( 'REST_REQUEST' ) && remove_action( 'wp_set_comment_status', 'wp_new_comment_notify_postauthor' );
		self::check( $comment );
		if ( $is_written ) {
			add_action( 'wp_set_comment_status', 'wp_new_comment_notify_postauthor' );
		}
	}

	/**
	 * Send a comment and do what the answer says. Returns the answer.
	 */
	public static function check( $comment ) {
		$body = self::body( $comment );
		if ( '' === $body['text'] ) { // an image alone, for example: a person must look
			self::refuse( $comment->comment_ID, __( 'there is no text to judge', 'comment-steward' ) );
			return new Answer( 400, array() );
		}
		update_comment_meta( $comment->comment_ID, Record::SENT, 1 );
		$answer = Client::post( '/v1/comments', $body );
		self::take( $comment, $answer );
		return $answer;
	}

	/**
	 * Keep an answer and apply it, or note that the comment still waits.
	 */
	public static function take( $comment, Answer $answer, $apply = true ) {
		if ( $answer->is_ok() && isset( $answer->body['status'] ) ) {
			Record::keep( $comment->comment_ID, $answer->body );
			if ( $apply ) {
				self::apply( $comment, (string) $answer->body['status'] );
			}
		} elseif ( $answer->may_try_again() ) {
			Retries::wait( $comment->comment_ID );
		} else {
			self::refuse( $comment->comment_ID, $answer->problem() );
		}
	}

	/**
	 * Do what Steward decided later. What somebody here decided, only a person there changes: not a model, a rule, or
	 * the end of a time.
	 */
	public static function follow( $comment, $status ) {
		$record = Record::of( $comment->comment_ID );
		$person = isset( $record['decided_by'] ) && 'moderator' === $record['decided_by'];
		if ( $person || ! get_comment_meta( $comment->comment_ID, Record::OWN, true ) ) {
			self::apply( $comment, $status );
		}
	}

	private static function refuse( $comment_id, $why ) {
		update_comment_meta( $comment_id, Record::REFUSED, wp_slash( $why ) );
		delete_comment_meta( $comment_id, Record::WAITING );
	}

	/**
	 * Give a comment the status that Steward decided: approved, pending or rejected.
	 */
	public static function apply( $comment, $status ) {
		$now = wp_get_comment_status( $comment );
		// A text that was cut, or that WordPress itself holds, is never published by the model.
		$record = Record::of( $comment->comment_ID );
		$person = isset( $record['decided_by'] ) && 'moderator' === $record['decided_by'];
		$held   = get_comment_meta( $comment->comment_ID, Record::HELD, true ) || Text::is_too_long( Text::of( $comment->comment_content ) );
		if ( 'approved' === $status && $held && ! $person ) {
			$status = 'pending';
		}
		$wanted = array(
			'approved' => 'approve',
			'pending'  => 'hold',
			'rejected' => Settings::get( 'rejected' ),
		);
		if ( ! isset( $wanted[ $status ] ) || false === $now || 'deleted' === $now ) {
			return;
		}
		self::$is_applying = true;
		self::set( $comment->comment_ID, $wanted[ $status ], $now );
		self::$is_applying = false;
	}

	private static function set( $comment_id, $wanted, $now ) {
		$same = array(
			'approve' => 'approved',
			'hold'    => 'unapproved',
			'trash'   => 'trash',
			'spam'    => 'spam',
		);
		if ( $same[ $wanted ] === $now ) {
			return;
		}
		if ( 'trash' === $wanted && EMPTY_TRASH_DAYS ) { // else the trash deletes at once
			wp_trash_comment( $comment_id );
		} elseif ( 'spam' === $wanted || 'trash' === $wanted ) {
			wp_spam_comment( $comment_id );
		} else {
			wp_set_comment_status( $comment_id, $wanted );
		}
	}

	public static function body( $comment ) {
		$post = get_post( $comment->comment_post_ID );
		$body = array(
			'id'         => Record::id( $comment->comment_ID ),
			'text'       => Text::cut( Text::of( $comment->comment_content ) ),
			'created_at' => mysql2date( 'Y-m-d\TH:i:s\Z', $comment->comment_date_gmt, false ),
			'author'     => self::author( $comment ),
			'metadata'   => array( 'comment_type' => (string) $comment->comment_type ),
		);
		if ( $post ) {
			$body['article'] = self::article( $post );
		}
		if ( $comment->comment_parent ) {
			$parent         = get_comment( $comment->comment_parent );
			$body['parent'] = array(
				'id'   => Record::id( $comment->comment_parent ),
				'text' => $parent ? Text::cut( Text::of( $parent->comment_content ) ) : '',
			);
		}
		if ( Settings::get( 'sender' ) ) {
			$body['sender'] = array(
				'email' => $comment->comment_author_email,
				'ip'    => $comment->comment_author_IP,
			);
		}
		if ( '' !== Settings::get( 'secret' ) ) {
			$body['callback_url'] = Webhook::url();
		}
		return $body;
	}

	/**
	 * A guest is known by a keyed hash of the e-mail address, which leaves WordPress only if the site wants that.
	 */
	private static function author( $comment ) {
		$author = array( 'name' => $comment->comment_author );
		if ( $comment->user_id ) {
			$author['id'] = 'user-' . $comment->user_id;
		} elseif ( '' !== $comment->comment_author_email ) {
			$author['id'] = 'guest-' . wp_hash( strtolower( $comment->comment_author_email ) );
		}
		return $author;
	}

	private static function article( $post ) {
		$categories = get_the_category( $post->ID );
		return array(
			'id'      => 'post-' . $post->ID,
			'title'   => html_entity_decode( wp_strip_all_tags( get_the_title( $post ) ), ENT_QUOTES, 'UTF-8' ),
			'url'     => (string) get_permalink( $post ),
			'section' => $categories ? $categories[0]->slug : '',
		);
	}

	/**
	 * A comment that is deleted for good is erased in Steward too.
	 */
	public static function erase( $comment_id ) {
		if ( Record::may_be_there( $comment_id ) && ! Client::send( 'DELETE', '/v1/comments/' . rawurlencode( Record::id( $comment_id ) ) )->is_ok() ) {
			Retries::erase_later( Record::id( $comment_id ) );
		}
	}
}
