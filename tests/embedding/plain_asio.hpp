#pragma once

// Sends a few bytes over a TCP connection of the loopback interface and back, with plain Asio. True when all of
// them came back and both directions ended with asio::error::eof.
bool echo_with_plain_asio();
