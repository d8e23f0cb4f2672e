<?php
/**
 * The settings and their page, with a button that tests the connection.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Settings {
	const OPTION = 'comment_steward';
	const PAGE   = 'comment-steward';

	public static function register() {
		add_action( 'admin_menu', array( __CLASS__, 'add_page' ) );
		add_action( 'admin_init', array( __CLASS__, 'add_fields' ) );
		add_action( 'admin_post_comment_steward_test', array( __CLASS__, 'test' ) );
		add_action( 'admin_notices', array( __CLASS__, 'notices' ) );
		add_filter( 'plugin_action_links_' . plugin_basename( FILE ), array( __CLASS__, 'links' ) );
	}

	public static function defaults() {
		return array(
			'url'        => '',
			'key'        => '',
			'secret'     => '',
			'rejected'   => 'trash',
			'publish'    => true,
			'feedback'   => true,
			'skip_staff' => true,
			'sender'     => false,
			'timeout_s'  => 5,
		);
	}

	/**
	 * One setting. Constants in wp-config.php win: STEWARD_URL, STEWARD_KEY and STEWARD_WEBHOOK_SECRET.
	 */
	public static function get( $name ) {
		$constants = array(
			'url'    => 'STEWARD_URL',
			'key'    => 'STEWARD_KEY',
			'secret' => 'STEWARD_WEBHOOK_SECRET',
		);
		if ( isset( $constants[ $name ] ) && defined( $constants[ $name ] ) ) {
			return (string) constant( $constants[ $name ] );
		}
		$kept = get_option( self::OPTION, array() ) + self::defaults();
		return $kept[ $name ];
	}

	public static function is_set_up() {
		return '' !== self::get( 'url' ) && '' !== self::get( 'key' );
	}

	public static function add_page() {
		$title = __( 'Comment Steward', 'comment-steward' );
		add_options_page( $title, $title, 'manage_options', self::PAGE, array( __CLASS__, 'show' ) );
	}

	public static function links( $links ) {
		$url = admin_url( 'options-general.php?page=' . self::PAGE );
		array_unshift( $links, sprintf( '<a href="%s">%s</a>', esc_url( $url ), esc_html__( 'Settings', 'comment-steward' ) ) );
		return $links;
	}

	public static function add_fields() {
		register_setting( self::OPTION, self::OPTION, array( 'sanitize_callback' => array( __CLASS__, 'sanitize' ) ) );
		add_settings_section( 'service', __( 'The service', 'comment-steward' ), '__return_null', self::PAGE );
		add_settings_section( 'comments', __( 'Comments', 'comment-steward' ), '__return_null', self::PAGE );
		$hook = esc_html( Webhook::url() );
		self::field( 'service', 'url', __( 'Address', 'comment-steward' ), 'url', __( 'Such as https://steward.example.com', 'comment-steward' ) );
		self::field( 'service', 'key', __( 'Key', 'comment-steward' ), 'password', __( 'With the scopes score and comments. It is not shown again; leave this empty to keep it.', 'comment-steward' ) );
		/* translators: %s: the address that Steward calls. */
		self::field( 'service', 'secret', __( 'Secret of webhooks', 'comment-steward' ), 'password', sprintf( __( 'Of the site, from the page Webhooks of Steward. With it Steward sends later decisions to %s. Without it WordPress asks every 15 minutes.', 'comment-steward' ), '<code>' . $hook . '</code>' ) );
		self::field( 'service', 'timeout_s', __( 'Seconds to wait', 'comment-steward' ), 'number', __( 'After that the comment is pending, and is checked later.', 'comment-steward' ) );
		self::field( 'comments', 'rejected', __( 'What Steward rejects', 'comment-steward' ), 'rejected', '' );
		self::field( 'comments', 'publish', __( 'First comments', 'comment-steward' ), 'checkbox', __( 'Publish what Steward approves, also of readers without an approved comment', 'comment-steward' ) );
		self::field( 'comments', 'skip_staff', __( 'Moderators', 'comment-steward' ), 'checkbox', __( 'Do not check comments of people who may moderate', 'comment-steward' ) );
		self::field( 'comments', 'sender', __( 'Rules', 'comment-steward' ), 'checkbox', __( 'Send the e-mail and IP address of readers, which rules may use and Steward does not store', 'comment-steward' ) );
		self::field( 'comments', 'feedback', __( 'Learning', 'comment-steward' ), 'checkbox', __( 'Send the decisions of moderators to Steward, which learns from them', 'comment-steward' ) );
	}

	private static function field( $section, $name, $label, $kind, $hint ) {
		$for = array(
			'label_for' => "comment-steward-$name",
			'name'      => $name,
			'kind'      => $kind,
			'hint'      => $hint,
		);
		add_settings_field( $name, $label, array( __CLASS__, 'input' ), self::PAGE, $section, $for );
	}

	/**
	 * Secrets are never sent to the browser.
	 */
	public static function input( $field ) {
		$id    = $field['label_for'];
		$name  = self::OPTION . '[' . $field['name'] . ']';
		$value = self::get( $field['name'] );
		$hint  = wp_kses( $field['hint'], array( 'code' => array() ) );
		if ( 'checkbox' === $field['kind'] ) {
			printf( '<label><input type="checkbox" id="%s" name="%s" value="1" %s> %s</label>', esc_attr( $id ), esc_attr( $name ), checked( (bool) $value, true, false ), $hint ); // phpcs:ignore -- $hint is escaped above
			return;
		}
		if ( 'rejected' === $field['kind'] ) {
			printf( '<select id="%s" name="%s">', esc_attr( $id ), esc_attr( $name ) );
			foreach ( self::rejected_choices() as $choice => $label ) {
				printf( '<option value="%s" %s>%s</option>', esc_attr( $choice ), selected( $value, $choice, false ), esc_html( $label ) );
			}
			echo '</select>';
			return;
		}
		$is_secret = 'password' === $field['kind'];
		printf(
			'<input type="%s" id="%s" name="%s" value="%s" placeholder="%s" class="regular-text" autocomplete="off" aria-describedby="%s-hint"><p class="description" id="%s-hint">%s</p>',
			esc_attr( $field['kind'] ),
			esc_attr( $id ),
			esc_attr( $name ),
			esc_attr( $is_secret ? '' : $value ),
			esc_attr( $is_secret && '' !== $value ? __( 'Stored', 'comment-steward' ) : '' ),
			esc_attr( $id ),
			esc_attr( $id ),
			$hint // phpcs:ignore -- escaped above
		);
	}

	public static function rejected_choices() {
		return array(
			'trash' => __( 'Move to the trash, which is emptied after 30 days', 'comment-steward' ),
			'spam'  => __( 'Mark as spam', 'comment-steward' ),
			'hold'  => __( 'Hold for a moderator', 'comment-steward' ),
		);
	}

	public static function sanitize( $sent ) {
		$kept = get_option( self::OPTION, array() ) + self::defaults();
		$sent = (array) $sent;
		$url  = isset( $sent['url'] ) ? untrailingslashit( esc_url_raw( trim( $sent['url'] ), array( 'http', 'https' ) ) ) : '';
		if ( '' === $url && ! empty( $sent['url'] ) ) {
			add_settings_error( self::OPTION, 'url', __( 'The address must begin with https:// or http://', 'comment-steward' ) );
			$url = $kept['url'];
		}
		$kept['url'] = $url;
		foreach ( array( 'key', 'secret' ) as $name ) {
			$given = isset( $sent[ $name ] ) ? trim( $sent[ $name ] ) : '';
			if ( '' !== $given ) {
				$kept[ $name ] = sanitize_text_field( $given );
			}
		}
		$choice            = isset( $sent['rejected'] ) ? $sent['rejected'] : '';
		$kept['rejected']  = array_key_exists( $choice, self::rejected_choices() ) ? $choice : $kept['rejected'];
		$kept['timeout_s'] = min( 30, max( 1, isset( $sent['timeout_s'] ) ? (int) $sent['timeout_s'] : $kept['timeout_s'] ) );
		foreach ( array( 'publish', 'skip_staff', 'feedback', 'sender' ) as $name ) {
			$kept[ $name ] = ! empty( $sent[ $name ] );
		}
		return $kept;
	}

	public static function show() {
		if ( ! current_user_can( 'manage_options' ) ) {
			return;
		}
		echo '<div class="wrap"><h1>' . esc_html__( 'Comment Steward', 'comment-steward' ) . '</h1><form method="post" action="options.php">';
		settings_fields( self::OPTION );
		do_settings_sections( self::PAGE );
		submit_button();
		echo '</form><form method="post" action="' . esc_url( admin_url( 'admin-post.php' ) ) . '"><input type="hidden" name="action" value="comment_steward_test">';
		wp_nonce_field( 'comment_steward_test' );
		submit_button( __( 'Test the connection', 'comment-steward' ), 'secondary' );
		echo '</form></div>';
	}

	public static function test() {
		if ( ! current_user_can( 'manage_options' ) ) {
			wp_die( esc_html__( 'You may not do this.', 'comment-steward' ), 403 );
		}
		check_admin_referer( 'comment_steward_test' );
		$answer = Client::post( '/v1/score', array( 'text' => 'This is a test of the connection.' ) );
		$said   = $answer->is_ok() ? 'ok' : $answer->problem();
		set_transient( 'comment_steward_test_' . get_current_user_id(), $said, 60 );
		wp_safe_redirect( admin_url( 'options-general.php?page=' . self::PAGE ) );
		exit;
	}

	public static function notices() {
		$name = 'comment_steward_test_' . get_current_user_id();
		$said = get_transient( $name );
		if ( false !== $said ) {
			delete_transient( $name );
			self::notice( 'ok' === $said ? 'success' : 'error', 'ok' === $said ? __( 'Steward answers, and the key is good.', 'comment-steward' ) : $said );
		}
		$refused = get_option( Client::REFUSED );
		if ( $refused && current_user_can( 'manage_options' ) ) {
			/* translators: %s: what Steward said. */
			self::notice( 'error', sprintf( __( 'Steward refuses the key, so comments stay pending: %s', 'comment-steward' ), $refused ) );
		}
	}

	private static function notice( $kind, $said ) {
		printf( '<div class="notice notice-%s"><p>%s</p></div>', esc_attr( $kind ), esc_html( $said ) );
	}
}
