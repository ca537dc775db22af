/**
 * A small HTTP/1.1 client on plain sockets: blocking reads straight into the caller's buffer, a deadline on everything,
 * no redirects or retries of its own. The JDK's client would cost an agent threads, memory and start-up time for what
 * it does a few times a day.
 */
@NullMarked
package dev.gantry.images.http;

import org.jspecify.annotations.NullMarked;
