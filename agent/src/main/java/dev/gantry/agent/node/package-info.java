/** The node as an object of the API. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.node;
