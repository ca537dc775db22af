/**
 * The local API: HTTP on a unix socket, in the shape of the Kubernetes API, so that its clients understand it. Nothing here knows how pods are run: it asks
 * the pod engine, the image store and the runtime's streams.
 */
@NullMarked
package dev.gantry.agent.api;

import org.jspecify.annotations.NullMarked;
