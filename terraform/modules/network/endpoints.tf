# AWS services without the internet: gateway endpoints cost nothing, interface endpoints are by list.

locals {
  # Only for principals of this account, whatever their own policies say, and only to what is ours:
  # credentials that somebody brings along are of no use here, and nothing can be carried out.
  endpoint_policies = {
    for service in concat(["dynamodb", "s3"], tolist(var.interface_endpoints)) : service => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = "*"
        Action    = lookup(var.reachable, service, null) == null ? "*" : "${service}:*"
        Resource  = lookup(var.reachable, service, ["*"])
        Condition = { StringEquals = { "aws:PrincipalAccount" = data.aws_caller_identity.current.account_id } }
      }]
    })
  }
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = toset(["dynamodb", "s3"])

  vpc_id            = aws_vpc.this.id
  service_name      = "com.amazonaws.${data.aws_region.current.name}.${each.key}"
  vpc_endpoint_type = "Gateway"
  route_table_ids   = values(aws_route_table.private)[*].id
  policy            = local.endpoint_policies[each.key]

  tags = { Name = "${var.name}-${each.key}" }
}

resource "aws_vpc_security_group_egress_rule" "gateway" {
  for_each = aws_vpc_endpoint.gateway

  security_group_id = aws_security_group.this["aws-clients"].id
  prefix_list_id    = each.value.prefix_list_id
  description       = "To ${each.key}."
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  service_name        = "com.amazonaws.${data.aws_region.current.name}.${each.key}"
  vpc_endpoint_type   = "Interface"
  private_dns_enabled = true
  subnet_ids          = values(aws_subnet.private)[*].id
  security_group_ids  = [aws_security_group.this["aws"].id]
  policy              = local.endpoint_policies[each.key]

  tags = { Name = "${var.name}-${each.key}" }
}
