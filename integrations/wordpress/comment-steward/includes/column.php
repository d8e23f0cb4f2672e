<?php
/**
 * A column of the list of comments: what Steward decided, the highest scores, and why.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Column {
	const SHOWN = 3;

	public static function register() {
		add_filter( 'manage_edit-comments_columns', array( __CLASS__, 'add' ) );
		add_action( 'manage_comments_custom_column', array( __CLASS__, 'show' ), 10, 2 );
	}

	public static function add( $columns ) {
		$columns['comment_steward'] = __( 'Steward', 'comment-steward' );
		return $columns;
	}

	public static function show( $column, $comment_id ) {
		if ( 'comment_steward' !== $column ) {
			return;
		}
		$refused = get_comment_meta( $comment_id, Record::REFUSED, true );
		$record  = Record::of( $comment_id );
		if ( '' !== get_comment_meta( $comment_id, Record::WAITING, true ) ) {
			echo esc_html__( 'Not checked yet', 'comment-steward' );
		} elseif ( $refused ) {
			/* translators: %s: why a comment could not be judged. */
			echo esc_html( sprintf( __( 'Cannot be judged: %s', 'comment-steward' ), $refused ) );
		} elseif ( $record ) {
			printf( '<strong>%s</strong>%s%s', esc_html( self::status( $record ) ), self::lines( self::scores( $record ) ), self::lines( 'approved' === $record['status'] ? array() : self::reasons( $record ) ) ); // phpcs:ignore -- lines() escapes
		}
	}

	private static function lines( $lines ) {
		return $lines ? '<br>' . implode( '<br>', array_map( 'esc_html', $lines ) ) : '';
	}

	private static function status( $record ) {
		$statuses = array(
			'approved' => __( 'Approved', 'comment-steward' ),
			'pending'  => __( 'For a person', 'comment-steward' ),
			'rejected' => __( 'Rejected', 'comment-steward' ),
		);
		$deciders = array(
			'model'     => __( 'by the model', 'comment-steward' ),
			'rule'      => __( 'by a rule', 'comment-steward' ),
			'moderator' => __( 'by a moderator', 'comment-steward' ),
			'expiry'    => __( 'because nobody looked in time', 'comment-steward' ),
		);
		$status   = isset( $statuses[ $record['status'] ] ) ? $statuses[ $record['status'] ] : $record['status'];
		$by       = isset( $deciders[ $record['decided_by'] ] ) && 'pending' !== $record['status'] ? $deciders[ $record['decided_by'] ] : '';
		return trim( "$status $by" );
	}

	public static function scores( $record ) {
		$scores = $record['scores'];
		arsort( $scores );
		$lines = array();
		foreach ( array_slice( $scores, 0, self::SHOWN, true ) as $name => $score ) {
			$lines[] = self::attribute( $name ) . ' ' . number_format_i18n( $score, 2 );
		}
		return $lines;
	}

	public static function reasons( $record ) {
		$said = array(
			'language_not_supported' => __( 'The model does not judge the language', 'comment-steward' ),
			'language_not_measured'  => __( 'The model was never measured in the language', 'comment-steward' ),
			'spam_not_evident'       => __( 'Too little evidence of spam', 'comment-steward' ),
		);
		$lines = array();
		foreach ( $record['reasons'] as $reason ) {
			$code = isset( $reason['code'] ) ? $reason['code'] : '';
			if ( isset( $reason['rule'] ) ) {
				/* translators: %s: the id of a rule. */
				$lines[] = sprintf( __( 'Rule %s', 'comment-steward' ), $reason['rule'] );
			} elseif ( isset( $reason['attribute'] ) ) {
				/* translators: %s: an attribute, such as insult. */
				$lines[] = sprintf( __( 'Because of %s', 'comment-steward' ), self::attribute( $reason['attribute'] ) );
			} else {
				$lines[] = isset( $said[ $code ] ) ? $said[ $code ] : str_replace( '_', ' ', $code );
			}
		}
		return array_values( array_unique( $lines ) );
	}

	private static function attribute( $name ) {
		$names = array(
			'toxicity'        => __( 'toxicity', 'comment-steward' ),
			'severe_toxicity' => __( 'severe toxicity', 'comment-steward' ),
			'identity_attack' => __( 'attack on a group', 'comment-steward' ),
			'insult'          => __( 'insult', 'comment-steward' ),
			'profanity'       => __( 'profanity', 'comment-steward' ),
			'threat'          => __( 'threat', 'comment-steward' ),
			'spam'            => __( 'spam', 'comment-steward' ),
		);
		return isset( $names[ $name ] ) ? $names[ $name ] : $name;
	}
}
