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
		$content = self::with_addresses( (string) $content );
		$content = preg_replace( '/<\/?(?:p|br|div|li|ul|ol|blockquote|h[1-6]|pre|tr|td)\b[^>]*>/i', "\n", $content );
		return trim( html_entity_decode( wp_strip_all_tags( (string) $content ), ENT_QUOTES | ENT_HTML5, 'UTF-8' ) );
	}

	/** With the address of each link behind its words. Reads the text once, however many links are open in it. */
	private static function with_addresses( $content ) {
		$parts = preg_split( '/(<a\b[^<>]*>|<\/a\s*>)/i', $content, -1, PREG_SPLIT_DELIM_CAPTURE );
		$text  = '';
		$ends  = '';
		foreach ( $parts as $number => $part ) {
			if ( 0 === $number % 2 ) {
				$text .= $part;
				continue;
			}
			$text .= $ends;
			$ends  = preg_match( '/\bhref\s*=\s*["\']?([^"\'\s>]+)/i', $part, $found ) ? " {$found[1]} " : '';
		}
		return $text . $ends;
	}

	public static function is_too_long( $text ) {
		return strlen( $text ) > self::MAX_BYTES;
	}

	/** The beginning, cut between characters. */
	public static function cut( $text, $bytes = self::MAX_BYTES ) {
		return strlen( $text ) > $bytes ? mb_strcut( $text, 0, $bytes, 'UTF-8' ) : $text;
	}
}
