<?php
/**
 * Checks the comments that are already there, a batch at a time, with progress.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Bulk {
	const PAGE    = 'comment-steward-bulk';
	const ACTION  = 'comment_steward_bulk';
	const AT_ONCE = 50;
	/** A batch is scored in one request. */
	const TIMEOUT_S = 60;

	public static function register() {
		add_action( 'admin_menu', array( __CLASS__, 'add_page' ) );
		add_action( 'wp_ajax_' . self::ACTION, array( __CLASS__, 'step' ) );
		add_action( 'admin_post_' . self::ACTION, array( __CLASS__, 'step_without_script' ) );
		add_action( 'admin_enqueue_scripts', array( __CLASS__, 'scripts' ) );
	}

	public static function add_page() {
		$title = __( 'Check with Steward', 'comment-steward' );
		add_comments_page( $title, $title, 'moderate_comments', self::PAGE, array( __CLASS__, 'show' ) );
	}

	public static function scripts( $page ) {
		if ( 'comments_page_' . self::PAGE === $page ) {
			wp_enqueue_script( self::PAGE, plugins_url( 'assets/bulk.js', FILE ), array(), VERSION, true );
			wp_localize_script(
				self::PAGE,
				'commentStewardBulk',
				array(
					'url'  => admin_url( 'admin-ajax.php' ),
					/* translators: 1: comments that were checked, 2: all of them. */
					'said' => __( '%1$s of %2$s comments checked.', 'comment-steward' ),
					'done' => __( 'Done.', 'comment-steward' ),
				)
			);
		}
	}

	public static function show() {
		$after = isset( $_GET['after'] ) ? (int) $_GET['after'] : 0; // phpcs:ignore WordPress.Security.NonceVerification -- it changes nothing
		echo '<div class="wrap"><h1>' . esc_html__( 'Check with Steward', 'comment-steward' ) . '</h1><p>' . esc_html__( 'Pending comments are published, held or removed as Steward answers. Published comments get scores and reasons, and are held only if you say so.', 'comment-steward' ) . '</p>';
		if ( $after ) {
			/* translators: %d: the id of a comment. */
			echo '<p>' . esc_html( sprintf( __( 'Checked up to comment %d. Continue with the next ones:', 'comment-steward' ), $after ) ) . '</p>';
		}
		printf( '<form method="post" action="%s" id="comment-steward-bulk"><input type="hidden" name="action" value="%s"><input type="hidden" name="after" value="%d">', esc_url( admin_url( 'admin-post.php' ) ), esc_attr( self::ACTION ), (int) $after );
		wp_nonce_field( self::ACTION );
		printf( '<p><label><input type="checkbox" name="published" value="1"> %s</label><br><label><input type="checkbox" name="hold" value="1"> %s</label></p>', esc_html__( 'Also check published comments', 'comment-steward' ), esc_html__( 'Hold published comments that Steward would not approve', 'comment-steward' ) );
		submit_button( __( 'Check', 'comment-steward' ) );
		echo '</form><p><progress id="comment-steward-progress" hidden></progress></p><p id="comment-steward-said" role="status"></p></div>';
	}

	public static function step() {
		check_ajax_referer( self::ACTION );
		if ( ! current_user_can( 'moderate_comments' ) ) {
			wp_send_json_error( null, 403 );
		}
		$found = self::from_form();
		if ( is_string( $found ) ) {
			wp_send_json_error( $found, 503 );
		}
		wp_send_json_success( $found );
	}

	public static function step_without_script() {
		check_admin_referer( self::ACTION );
		if ( ! current_user_can( 'moderate_comments' ) ) {
			wp_die( esc_html__( 'You may not do this.', 'comment-steward' ), 403 );
		}
		$found = self::from_form();
		if ( is_string( $found ) ) {
			wp_die( esc_html( $found ), 503 );
		}
		wp_safe_redirect( admin_url( 'edit-comments.php?page=' . self::PAGE . ( $found['left'] ? '&after=' . $found['after'] : '' ) ) );
		exit;
	}

	private static function from_form() {
		// phpcs:disable WordPress.Security.NonceVerification -- the callers have checked it
		return self::check( isset( $_POST['after'] ) ? (int) $_POST['after'] : 0, ! empty( $_POST['published'] ), ! empty( $_POST['hold'] ) );
		// phpcs:enable
	}

	/**
	 * Check the next comments after an id. Returns what was done, or why nothing could be.
	 */
	public static function check( $after, $published, $hold ) {
		$comments = self::next( $after, $published );
		$bodies   = array();
		foreach ( $comments as $comment ) {
			$body = Checks::body( $comment );
			if ( '' !== $body['text'] ) {
				$bodies[ $comment->comment_ID ] = $body;
			}
		}
		$results = array();
		foreach ( array_keys( $bodies ) as $id ) {
			update_comment_meta( $id, Record::SENT, 1 );
		}
		if ( $bodies ) {
			$answer = Client::post( '/v1/comments:batch', array( 'comments' => array_values( $bodies ) ), self::TIMEOUT_S );
			if ( ! $answer->is_ok() ) {
				return $answer->problem();
			}
			$results = array_combine( array_keys( $bodies ), $answer->body['results'] );
		}
		foreach ( $results as $id => $result ) {
			self::take( get_comment( $id ), $result, $hold );
		}
		$last = $comments ? (int) end( $comments )->comment_ID : $after;
		return array(
			'after'   => $last,
			'checked' => count( $comments ),
			'left'    => self::count( $last, $published ),
		);
	}

	private static function take( $comment, $result, $hold ) {
		$is_pending = 'unapproved' === wp_get_comment_status( $comment );
		$is_answer  = isset( $result['decided_by'] ); // else it is the problem of this one comment
		$answer     = new Answer( $is_answer ? 200 : (int) $result['status'], $result );
		Checks::take( $comment, $answer, $is_pending );
		if ( ! $is_pending && $hold && $is_answer && 'approved' !== $result['status'] ) {
			Checks::apply( $comment, 'pending' );
		}
	}

	private static function query( $after, $published ) {
		global $wpdb;
		$statuses = $published ? "('0', '1')" : "('0')";
		return $wpdb->prepare( "FROM $wpdb->comments WHERE comment_ID > %d AND comment_approved IN $statuses AND comment_type IN ('', 'comment')", $after ); // phpcs:ignore WordPress.DB.PreparedSQL -- both are literals of ours
	}

	private static function next( $after, $published ) {
		global $wpdb;
		$ids = $wpdb->get_col( 'SELECT comment_ID ' . self::query( $after, $published ) . ' ORDER BY comment_ID LIMIT ' . self::AT_ONCE ); // phpcs:ignore WordPress.DB -- prepared above
		return array_values( array_filter( array_map( 'get_comment', $ids ) ) );
	}

	public static function count( $after, $published ) {
		global $wpdb;
		return (int) $wpdb->get_var( 'SELECT COUNT(*) ' . self::query( $after, $published ) ); // phpcs:ignore WordPress.DB -- prepared above
	}
}
