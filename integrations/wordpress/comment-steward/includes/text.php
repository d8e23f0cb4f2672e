<?php
/**
 * The text of a comment as its readers see it, with the addresses of its links.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

class Text {
	/** Steward's limit is 20,480 bytes. */
	const MAX_BYTES = 20480;

	public static function of( $content ) {
		$content = (string) $content;
		$with    = preg_replace( '/<a\b[^>]*\bhref\s*=\s*["\']?([^"\'\s>]+)[^>]*>(.*?)<\/a>/is', '$2 $1 ', $content );
		$content = null === $with ? $content : $with;
		$content = preg_replace( '/<\/?(?:p|br|div|li|ul|ol|blockquote|h[1-6]|pre|tr|td)\b[^>]*>/i', "\n", $content );
		return trim( html_entity_decode( wp_strip_all_tags( (string) $content ), ENT_QUOTES | ENT_HTML5, 'UTF-8' ) );
	}

	public static function is_too_long( $text ) {
		return strlen( $text ) > self::MAX_BYTES;
	}

	/** The beginning, cut between characters. */
	public static function cut( $text, $bytes = self::MAX_BYTES ) {
		return strlen( $text ) > $bytes ? mb_strcut( $text, 0, $bytes, 'UTF-8' ) : $text;
	}
}
