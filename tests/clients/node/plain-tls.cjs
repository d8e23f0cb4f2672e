// TLS to rest.akismet.com is plain HTTP to the service on 127.0.0.1 at the port STEWARD_PORT_OF_PROXY:
// node --require plain-tls.cjs. It stands in for an entry in DNS and for a proxy with a certificate on port 443.
const net = require('node:net')
const tls = require('node:tls')
const process = require('node:process')
const { connect } = tls

tls.connect = function (...asked) {
  const [options] = asked
  if (!/(^|\.)rest\.akismet\.com$/.test(options?.host ?? options?.servername ?? '')) return connect.apply(this, asked)
  const socket = net.connect({ host: '127.0.0.1', port: Number(process.env.STEWARD_PORT_OF_PROXY) })
  socket.alpnProtocol = false
  socket.once('connect', () => socket.emit('secureConnect'))
  return socket
}
