/**
 * The command {@code gantry}: a client of the local API. Nothing here needs Netty, gRPC or the Kubernetes model, so that a command answers in the
 * time the JVM takes to start; what a command does need is loaded when it is chosen.
 */
@NullMarked
package dev.gantry.agent.cli;

import org.jspecify.annotations.NullMarked;
