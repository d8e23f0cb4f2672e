<?php
/**
 * Removes what the plugin keeps. The comments stay as they are, here and in Steward.
 *
 * @package CommentSteward
 */

defined( 'WP_UNINSTALL_PLUGIN' ) || exit;

foreach ( array( 'comment_steward', 'comment_steward_refused', 'comment_steward_erase', 'comment_steward_asked' ) as $steward_option ) {
	delete_option( $steward_option );
}
foreach ( array( '_comment_steward', '_comment_steward_waiting', '_comment_steward_decision', '_comment_steward_refused', '_comment_steward_hold', '_comment_steward_own', '_comment_steward_sent' ) as $steward_mark ) {
	delete_metadata( 'comment', 0, $steward_mark, '', true );
}
