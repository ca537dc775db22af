/** The agent's settings: where it keeps things, and the configuration file in the kubelet's words, read strictly. */
@NullMarked
package dev.gantry.agent.config;

import org.jspecify.annotations.NullMarked;
