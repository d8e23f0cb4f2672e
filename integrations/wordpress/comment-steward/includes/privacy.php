<?php
/**
 * WordPress's exporter and eraser of personal data.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Privacy {
	const AT_ONCE = 50;

	public static function register() {
		add_filter( 'wp_privacy_personal_data_exporters', array( __CLASS__, 'add_exporter' ) );
		add_filter( 'wp_privacy_personal_data_erasers', array( __CLASS__, 'add_eraser' ), 5 );
		add_action( 'admin_init', array( __CLASS__, 'policy' ) );
	}

	public static function add_exporter( $exporters ) {
		$exporters['comment-steward'] = array(
			'exporter_friendly_name' => __( 'Comment Steward', 'comment-steward' ),
			'callback'               => array( __CLASS__, 'export' ),
		);
		return $exporters;
	}

	/**
	 * In front: WordPress's own eraser removes the address by which the comments are found.
	 */
	public static function add_eraser( $erasers ) {
		$own = array(
			'eraser_friendly_name' => __( 'Comment Steward', 'comment-steward' ),
			'callback'             => array( __CLASS__, 'erase' ),
		);
		return array( 'comment-steward' => $own ) + $erasers;
	}

	public static function export( $email, $page = 1 ) {
		$comments = self::page( $email, $page );
		$items    = array();
		foreach ( $comments as $comment ) {
			$record = Record::of( $comment->comment_ID );
			if ( $record ) {
				$items[] = array(
					'group_id'    => 'comment-steward',
					'group_label' => __( 'Comment Steward', 'comment-steward' ),
					'item_id'     => "comment-{$comment->comment_ID}",
					'data'        => self::data( $comment, $record ),
				);
			}
		}
		return array(
			'data' => $items,
			'done' => count( $comments ) < self::AT_ONCE,
		);
	}

	private static function data( $comment, $record ) {
		$rows = array(
			__( 'Comment', 'comment-steward' )  => get_comment_link( $comment ),
			__( 'Decision', 'comment-steward' ) => $record['status'] . ', ' . $record['decided_by'],
			__( 'Scores', 'comment-steward' )   => implode( ', ', self::pairs( $record['scores'] ) ),
			__( 'Reasons', 'comment-steward' )  => implode( ', ', Column::reasons( $record ) ),
		);
		$data = array();
		foreach ( $rows as $name => $value ) {
			$data[] = array(
				'name'  => $name,
				'value' => $value,
			);
		}
		return $data;
	}

	private static function pairs( $scores ) {
		$pairs = array();
		foreach ( $scores as $name => $score ) {
			$pairs[] = "$name $score";
		}
		return $pairs;
	}

	/**
	 * Erase the comments in Steward, and here what Steward said of them. WordPress's eraser makes the rest anonymous.
	 */
	public static function erase( $email, $page = 1 ) {
		$comments = self::page( $email, $page );
		$removed  = false;
		foreach ( $comments as $comment ) {
			if ( Record::may_be_there( $comment->comment_ID ) ) {
				Checks::erase( $comment->comment_ID );
				Record::forget( $comment->comment_ID );
				$removed = true;
			}
		}
		return array(
			'items_removed'  => $removed,
			'items_retained' => false,
			'messages'       => array(),
			'done'           => count( $comments ) < self::AT_ONCE,
		);
	}

	private static function page( $email, $page ) {
		return get_comments(
			array(
				'author_email'              => $email,
				'status'                    => array( 'hold', 'approve', 'spam', 'trash' ),
				'number'                    => self::AT_ONCE,
				'paged'                     => $page,
				'orderby'                   => 'comment_ID',
				'order'                     => 'ASC',
				'include_unapproved'        => true,
				'update_comment_post_cache' => false,
			)
		);
	}

	public static function policy() {
		$said = __( 'Comments are sent to a moderation service that this site runs: the text, the name, a keyed hash of the e-mail address, and the title of the article. The service stores them, scores them, and may decide on them automatically.', 'comment-steward' );
		wp_add_privacy_policy_content( __( 'Comment Steward', 'comment-steward' ), '<p>' . esc_html( $said ) . '</p>' );
	}
}
