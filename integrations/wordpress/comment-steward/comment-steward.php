<?php
/**
 * Plugin Name: Comment Steward
 * Description: Checks comments with your own Steward: publishes, holds or removes them, shows why, and learns from your moderators.
 * Version: 0.1.0
 * Requires at least: 6.0
 * Requires PHP: 7.4
 * Author: Comment Steward
 * License: GPL-2.0-or-later
 * License URI: https://www.gnu.org/licenses/gpl-2.0.html
 * Text Domain: comment-steward
 * Domain Path: /languages
 *
 * This program is free software; you can redistribute it and/or modify it under the terms of the GNU General Public
 * License as published by the Free Software Foundation; either version 2 of the License, or (at your option) any later
 * version. It comes without any warranty. The file LICENSE holds the license.
 *
 * @package CommentSteward
 */

namespace CommentSteward;

defined( 'ABSPATH' ) || exit;

const VERSION = '0.1.0';
const FILE    = __FILE__;

foreach ( array( 'settings', 'client', 'record', 'text', 'checks', 'retries', 'feedback', 'webhook', 'column', 'bulk', 'privacy' ) as $steward_part ) {
	require_once __DIR__ . "/includes/$steward_part.php";
}
unset( $steward_part );

add_action(
	'init',
	static function () {
		load_plugin_textdomain( 'comment-steward', false, dirname( plugin_basename( FILE ) ) . '/languages' );
	}
);

Settings::register();
Checks::register();
Retries::register();
Feedback::register();
Webhook::register();
Column::register();
Bulk::register();
Privacy::register();

if ( defined( 'WP_CLI' ) && \WP_CLI ) {
	require_once __DIR__ . '/includes/cli.php';
	\WP_CLI::add_command( 'steward', CLI::class );
}
