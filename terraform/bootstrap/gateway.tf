# The role with which API Gateway writes logs. An account has one in a region, for all its APIs; without
# it, API Gateway refuses a stage with logs.
# https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-logging.html

resource "aws_iam_role" "gateway_logs" {
  count = var.sets_gateway_account ? 1 : 0

  name        = "itemstream-gateway-logs"
  description = "API Gateway, of every environment: writes logs."

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "apigateway.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
}

# API Gateway checks for this very policy.
resource "aws_iam_role_policy_attachment" "gateway_logs" {
  count = var.sets_gateway_account ? 1 : 0

  role       = aws_iam_role.gateway_logs[0].name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs"
}

resource "aws_api_gateway_account" "this" {
  count = var.sets_gateway_account ? 1 : 0

  depends_on = [aws_iam_role_policy_attachment.gateway_logs]

  cloudwatch_role_arn = aws_iam_role.gateway_logs[0].arn
}
