/** Tests of what pods ask of a node and get. */
@org.jspecify.annotations.NullMarked
package dev.gantry.agent.resource;
