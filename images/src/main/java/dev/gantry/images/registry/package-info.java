/** The client of registries: HTTP, TLS, authentication, resumed downloads. Hosts and their answers are not trusted. */
@NullMarked
package dev.gantry.images.registry;

import org.jspecify.annotations.NullMarked;
